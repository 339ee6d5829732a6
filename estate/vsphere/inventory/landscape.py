"""Clusters with their rules, datastores, and everything that contains something, as facts."""

from __future__ import annotations

from typing import Any
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
name configuration.drsConfig configuration.dasConfig configurationEx host datastore network resourcePool summary
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
        admission_control=ha if isinstance(ha, Unknown) else boolean(ha, "admissionControlEnabled"),
        dpm_enabled=extended if isinstance(extended, Unknown) else boolean(extended, "dpmConfigInfo/enabled"),
        evc_mode=summary if isinstance(summary, Unknown) else _text_or_none(summary, "currentEVCModeKey"),
        rules=extended if isinstance(extended, Unknown) else tuple(_rule(rule) for rule in children(extended, "rule")),
        groups=extended if isinstance(extended, Unknown) else tuple(_group(group) for group in children(extended, "group")),
        root_pool_id=found.text("resourcePool"),
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
    parent_kind, parent_id = found.parent()
    return DatastoreFacts(
        native_id=found.native_id,
        name=found.name(),
        **_summed_up(found.element("summary")),
        **_volume(found.element("info")),
        **_possible(found.element("capability")),
        pod_id=parent_id if parent_kind == "StoragePod" else found.why("parent") if not parent_kind else None,
        vm_ids=found.told_morefs("vm"),
        host_ids=tuple(plain(text(mount, "key")) for mount in children(found.values.get("host"), "DatastoreHostMount")),
        unreadable=found.unreadable,
    )


def _summed_up(summary: Element | Unknown) -> dict[str, Any]:
    if isinstance(summary, Unknown):
        names = "kind url capacity_bytes free_bytes uncommitted_bytes accessible maintenance_mode local"
        return dict.fromkeys(names.split(), summary)
    shared = boolean(summary, "multipleHostAccess")
    return {
        "kind": text(summary, "type"),
        "url": text(summary, "url"),
        "capacity_bytes": integer(summary, "capacity"),
        "free_bytes": integer(summary, "freeSpace"),
        "uncommitted_bytes": integer(summary, "uncommitted"),
        "accessible": boolean(summary, "accessible"),
        "maintenance_mode": text(summary, "maintenanceMode"),
        "local": shared if isinstance(shared, Unknown) else not shared,
    }


def _volume(info: Element | Unknown) -> dict[str, Any]:
    """What lies below a store. A plain DatastoreInfo tells nothing of it."""
    names = ("lun_names", "vmfs_version", "remote_host", "remote_path")
    if isinstance(info, Unknown):
        return dict.fromkeys(names, info)
    vmfs, nas = child(info, "vmfs"), child(info, "nas")
    if vmfs is None and nas is None and wire_type(info) == "DatastoreInfo":
        return dict.fromkeys(names, UNKNOWN)
    return {
        "lun_names": tuple(plain(text(extent, "diskName")) for extent in children(vmfs, "extent")),
        "vmfs_version": None if vmfs is None else text(vmfs, "version"),
        "remote_host": None if nas is None else text(nas, "remoteHost"),
        "remote_path": None if nas is None else text(nas, "remotePath"),
    }


def _possible(capability: Element | Unknown) -> dict[str, Any]:
    names = {
        "thin_disks_possible": "perFileThinProvisioningSupported",
        "raw_mappings_possible": "rawDiskMappingsSupported",
    }
    if isinstance(capability, Unknown):
        return dict.fromkeys(names, capability)
    return {name: boolean(capability, asked) for name, asked in names.items()}


_STORE_PATHS = "name parent summary info capability host vm"


def datastores() -> Query[DatastoreFacts]:
    """The query for every datastore."""
    return Query(vim.Datastore, tuple(_STORE_PATHS.split()), read_datastore)


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
