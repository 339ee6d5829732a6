"""Clusters with their rules, datastores, and everything that contains something, as facts."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from pyVmomi import vim

from estate.facts.source import ClusterFacts, ClusterGroupFacts, ClusterRuleFacts, ContainerFacts, DatastoreFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.vsphere.inventory.paging import Query
from estate.vsphere.inventory.places import Places
from estate.vsphere.inventory.values import (
    SourceObject,
    boolean,
    child,
    children,
    decoded_name,
    integer,
    plain,
    text,
    wire_type,
)

_CLUSTER_PATHS = """
name configuration.drsConfig configuration.dasConfig configurationEx host datastore network summary
"""
_RULE_KINDS = {
    "ClusterAffinityRuleSpec": "affinity",
    "ClusterAntiAffinityRuleSpec": "anti_affinity",
    "ClusterVmHostRuleInfo": "vm_host",
    "ClusterDependencyRuleInfo": "dependency",
}


def read_cluster(found: SourceObject) -> ClusterFacts:
    drs, ha = found.element("configuration.drsConfig"), found.element("configuration.dasConfig")
    extended, summary = found.element("configurationEx"), found.element("summary")
    return ClusterFacts(
        native_id=found.native_id,
        name=found.name(),
        drs_enabled=drs if isinstance(drs, Unknown) else boolean(drs, "enabled"),
        drs_behaviour=drs if isinstance(drs, Unknown) else text(drs, "defaultVmBehavior"),
        ha_enabled=ha if isinstance(ha, Unknown) else boolean(ha, "enabled"),
        dpm_enabled=extended if isinstance(extended, Unknown) else boolean(extended, "dpmConfigInfo/enabled"),
        evc_mode=summary if isinstance(summary, Unknown) else _text_or_none(summary, "currentEVCModeKey"),
        rules=extended if isinstance(extended, Unknown) else tuple(_rule(rule) for rule in children(extended, "rule")),
        groups=extended if isinstance(extended, Unknown) else tuple(_group(group) for group in children(extended, "group")),
        host_ids=found.morefs("host"),
        datastore_ids=found.morefs("datastore"),
        network_ids=found.morefs("network"),
        unreadable=found.unreadable,
    )


def _text_or_none(element: Element, path: str) -> str | None:
    value = text(element, path)
    return value if is_known(value) else None


def _rule(rule: Element) -> ClusterRuleFacts:
    kind = wire_type(rule)
    host_group = plain(text(rule, "affineHostGroupName")) or plain(text(rule, "antiAffineHostGroupName"))
    return ClusterRuleFacts(
        name=decoded_name(plain(text(rule, "name"))),
        kind=_RULE_KINDS.get(kind, kind),
        enabled=boolean(rule, "enabled"),
        mandatory=boolean(rule, "mandatory", unset=False),
        vm_ids=tuple(vm.text or "" for vm in children(rule, "vm")),
        vm_group=plain(text(rule, "vmGroupName")) or plain(text(rule, "vmGroup")),
        host_group=host_group,
    )


def _group(group: Element) -> ClusterGroupFacts:
    vms = tuple(each.text or "" for each in children(group, "vm"))
    hosts = tuple(each.text or "" for each in children(group, "host"))
    return ClusterGroupFacts(decoded_name(plain(text(group, "name"))), vms, hosts)


def clusters() -> Query[ClusterFacts]:
    """The query for every cluster."""
    return Query(vim.ClusterComputeResource, tuple(_CLUSTER_PATHS.split()), read_cluster)


def read_datastore(found: SourceObject) -> DatastoreFacts:
    summary, info, mounts = found.element("summary"), found.element("info"), found.values.get("host")
    parent_kind, parent_id = found.parent()
    mounted_by = tuple(plain(text(mount, "key")) for mount in children(mounts, "DatastoreHostMount"))
    if isinstance(summary, Unknown):
        return DatastoreFacts(found.native_id, found.name(), *(summary,) * 8, host_ids=mounted_by, unreadable=found.unreadable)
    shared = boolean(summary, "multipleHostAccess")
    return DatastoreFacts(
        native_id=found.native_id,
        name=found.name(),
        kind=text(summary, "type"),
        url=text(summary, "url"),
        capacity_bytes=integer(summary, "capacity"),
        free_bytes=integer(summary, "freeSpace"),
        uncommitted_bytes=integer(summary, "uncommitted"),
        accessible=boolean(summary, "accessible"),
        maintenance_mode=text(summary, "maintenanceMode"),
        local=shared if isinstance(shared, Unknown) else not shared,
        lun_names=info if isinstance(info, Unknown) else _extents(info),
        pod_id=parent_id if parent_kind == "StoragePod" else found.why("parent") if not parent_kind else None,
        host_ids=mounted_by,
        unreadable=found.unreadable,
    )


def _extents(info: Element) -> tuple[str, ...] | Unknown:
    if child(info, "vmfs") is None:
        return () if wire_type(info) != "DatastoreInfo" else UNKNOWN
    return tuple(plain(text(extent, "diskName")) for extent in children(info, "vmfs/extent"))


def datastores() -> Query[DatastoreFacts]:
    """The query for every datastore."""
    return Query(vim.Datastore, ("name", "summary", "host", "info", "parent"), read_datastore)


def containers(places: Places) -> tuple[Query[ContainerFacts], ...]:
    """The queries for everything that contains something; vApps are resource pools to vSphere."""
    pools = ("name", "parent", "vm", "config.cpuAllocation", "config.memoryAllocation")
    paths = {vim.Datacenter: ("name", "parent"), vim.Folder: ("name", "parent"), vim.ResourcePool: pools}
    pods = {vim.StoragePod: ("name", "parent", "childEntity", "summary")}
    return tuple(Query(kind, wanted, lambda found: read_container(found, places)) for kind, wanted in (paths | pods).items())


_KINDS = {"Folder": "folder", "Datacenter": "datacenter", "StoragePod": "storage_pod", "VirtualApp": "vapp"}


def read_container(found: SourceObject, places: Places) -> ContainerFacts:
    kind = _KINDS.get(found.kind, "resource_pool")
    return ContainerFacts(
        native_id=found.native_id,
        name=found.name(),
        kind=kind,
        parent_id=found.parent()[1],
        path=places.path(found.native_id),
        limited=_limited(found) if kind in ("resource_pool", "vapp") else UNKNOWN,
        capacity_bytes=_size(found, "capacity") if kind == "storage_pod" else None,
        free_bytes=_size(found, "freeSpace") if kind == "storage_pod" else None,
        member_ids=found.morefs("vm") or found.morefs("childEntity"),
        unreadable=found.unreadable,
    )


def _size(found: SourceObject, name: str) -> int | Unknown:
    summary = found.element("summary")
    return summary if isinstance(summary, Unknown) else integer(summary, name)


def _limited(found: SourceObject) -> bool | Unknown:
    """Whether CPU or memory is limited or reserved. The top pool of a cluster always has its own size as a limit."""
    if found.parent()[0] not in ("ResourcePool", "VirtualApp"):
        return False
    unread: Unknown | None = None
    for path in ("config.cpuAllocation", "config.memoryAllocation"):
        part = found.element(path)
        if isinstance(part, Unknown):
            return part
        limit, reserved = integer(part, "limit"), integer(part, "reservation")
        if (is_known(limit) and limit >= 0) or (is_known(reserved) and reserved > 0):
            return True
        unread = unread or next((value for value in (limit, reserved) if isinstance(value, Unknown)), None)
    return False if unread is None else unread
