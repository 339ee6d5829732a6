"""One VM of a property collector's answer as `VmFacts`.

Unset means "none" only on a machine that was read whole: connected, with its configuration. Of a disconnected machine the
same silence means that nobody knows. Devices, snapshots and the guest have rooms of their own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from pyVmomi import vim

from estate.facts.source import PowerState, VmFacts
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.vsphere.inventory.devices import Devices, NetworkNames, read_devices, unread_devices
from estate.vsphere.inventory.files import chain_lengths, files
from estate.vsphere.inventory.guests import addresses_by_key, guest
from estate.vsphere.inventory.paging import Query
from estate.vsphere.inventory.places import Places
from estate.vsphere.inventory.settings import (
    affinity,
    boot_settings,
    confidential,
    extra_config,
    has_properties,
    npiv_wwns,
    owner,
    persistent_memory,
    uses_disk_uuid,
)
from estate.vsphere.inventory.snapshots import snapshot_tree
from estate.vsphere.inventory.told import Told
from estate.vsphere.inventory.values import SourceObject, allocation, integer, plain, text
from estate.vsphere.tags import Tags, tags_at

_PATHS = """
name parent parentVApp resourcePool datastore network customValue disabledMethod
config.instanceUuid config.uuid config.annotation config.template config.managedBy config.changeVersion config.createDate
config.modified config.files.vmPathName
config.guestId config.guestFullName config.alternateGuestName config.version config.firmware config.bootOptions
config.ftInfo config.flags
config.hardware.numCPU config.hardware.numCoresPerSocket config.hardware.memoryMB config.hardware.device
config.cpuHotAddEnabled config.cpuHotRemoveEnabled config.memoryHotAddEnabled config.cpuAllocation config.memoryAllocation
config.cpuAffinity config.memoryAffinity config.latencySensitivity config.nestedHVEnabled config.vPMCEnabled
config.memoryReservationLockedToMax config.npivNodeWorldWideName config.npivPortWorldWideName config.tools
config.keyId config.sgxInfo config.sevEnabled config.sevSnpEnabled config.tdxEnabled config.pmem
config.extraConfig config.vAppConfig config.repConfig config.forkConfigInfo config.vFlashCacheReservation
config.changeTrackingEnabled capability.changeTrackingSupported
guest.guestId guest.guestFamily guest.guestFullName guest.guestDetailedData guest.hostName guest.ipAddress guest.net guest.ipStack
guest.disk guest.toolsStatus guest.toolsRunningStatus guest.toolsVersion guest.toolsVersionStatus2
guest.guestStateChangeSupported guest.guestOperationsReady
runtime.host runtime.powerState runtime.connectionState runtime.bootTime runtime.suspendTime runtime.faultToleranceState
runtime.consolidationNeeded runtime.cryptoState runtime.question runtime.vmFailoverInProgress runtime.suspendedToMemory
runtime.paused runtime.minRequiredEVCModeKey runtime.diskChainBroken
snapshot layoutEx.file layoutEx.disk summary.storage summary.quickStats
"""
_POWER_STATES = {state.value: state for state in PowerState}
MIB = 1 << 20
Values = dict[str, Any]  # field name to value; VmFacts checks the names


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was read before the machines: folders, networks, the cluster of each host (None for a bare host).

    `fields` are custom attributes by key. `tags` are by moref value; the SOAP interface has none of them.
    """

    places: Places
    networks: NetworkNames
    cluster_of_host: dict[str, str | Unknown | None] = field(default_factory=dict)
    fields: dict[str, str] | Unknown = field(default_factory=dict)
    tags: Tags | Unknown = UNKNOWN

    @property
    def mark(self) -> str:
        """One short text for every name, place and tag that machines are read with; why tags are unknown is no part of it."""
        tags = None if isinstance(self.tags, Unknown) else self.tags
        told = [None if pairs is None else sorted(pairs.items()) for pairs in (*self._told(), tags)]
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def holds_in(self, after: Surroundings) -> bool:
        """Whether what machines were read with still holds; more places, networks or hosts do no harm."""
        return self.tagged_as(after.tags) and all(
            old.items() <= new.items() for old, new in zip(self._told(), after._told(), strict=True)
        )

    def tagged_as(self, tags: Tags | Unknown) -> bool:
        """Whether these are the tags that machines were read with; two that are unknown are alike, whatever the reasons."""
        both_unknown = isinstance(tags, Unknown) and isinstance(self.tags, Unknown)
        return both_unknown or self.tags == tags

    @property
    def lacking(self) -> tuple[tuple[str, str], ...]:
        """What is unknown of the whole estate, and why (`SourceAbout.lacking`)."""
        return (("tags", self.tags.reason),) if isinstance(self.tags, Unknown) else ()

    def _told(self) -> tuple[dict[str, Any], ...]:
        return self.places.by_id, self.networks.names, self.cluster_of_host


def machines(around: Surroundings) -> Query[VmFacts]:
    """The query for every VM and template."""
    return Query(vim.VirtualMachine, tuple(_PATHS.split()), lambda found: read_machine(found, around))


def read_machine(found: SourceObject, around: Surroundings) -> VmFacts:
    """The facts of one VM; what it does not tell stays UNKNOWN with the reason."""
    told = Told(found)
    devices = _devices(told, around)
    return VmFacts(
        native_id=found.native_id,
        name=found.name(),
        **_identity(told),
        **_state(told),
        **_place(told, around),
        **guest(told),
        **_compute(told),
        **_firmware(told),
        **_functions(told),
        pmem=persistent_memory(told, devices),
        has_vtpm=devices.has_vtpm,
        disks=devices.disks,
        nics=devices.nics,
        devices=devices.other,
        snapshots=snapshot_tree(told),
        files=files(told),
        unreadable=found.unreadable,
    )


def _devices(told: Told, around: Surroundings) -> Devices:
    listed = told.element("config.hardware.device")
    if isinstance(listed, Unknown):
        return unread_devices(listed)
    addresses = addresses_by_key(told.found.values.get("guest.net"))
    return read_devices(listed, around.networks, addresses, chain_lengths(told))


def _identity(told: Told) -> Values:
    return {
        "instance_uuid": told.text("config.instanceUuid"),
        "bios_uuid": told.text("config.uuid"),
        "annotation": plain(told.text("config.annotation")),
        "is_template": told.boolean("config.template"),
        "managed_by": owner(told),
        "change_version": told.text("config.changeVersion"),
        "created_at": told.or_none(told.moment("config.createDate")),
        "modified_at": told.or_none(told.moment("config.modified")),
        "hardware_version": told.text("config.version"),
    }


def _state(told: Told) -> Values:
    power_state = _power_state(told.found)
    boot_time = told.moment("runtime.bootTime")
    question, suspended = told.element("runtime.question"), told.moment("runtime.suspendTime")
    return {
        "power_state": power_state,
        "connection_state": told.found.text("runtime.connectionState"),
        "boot_time": told.or_none(boot_time) if power_state != PowerState.ON else boot_time,
        "suspended_at": suspended if power_state == PowerState.SUSPENDED else told.or_none(suspended),
        "question": told.or_none(question) if isinstance(question, Unknown) else text(question, "text"),
        "failover_in_progress": told.flag("runtime.vmFailoverInProgress"),
        "suspended_to_memory": told.flag("runtime.suspendedToMemory"),
        "paused": told.flag("runtime.paused"),
    }


def _power_state(found: SourceObject) -> PowerState | Unknown:
    value = found.text("runtime.powerState")
    if isinstance(value, Unknown):
        return value
    return _POWER_STATES.get(value) or Unknown(f"power state {value!r}")


def _place(told: Told, around: Surroundings) -> Values:
    found, host_id = told.found, told.text("runtime.host")
    return {
        "vmx_path": told.text("config.files.vmPathName"),
        "folder_path": around.places.path(found.parent()[1] or found.parent("parentVApp")[1]),
        "host_id": host_id,
        "cluster_id": _cluster_id(host_id, around.cluster_of_host),
        "resource_pool_id": told.or_none(told.text("resourcePool")),
        "vapp_id": told.or_none(told.text("parentVApp")),
        "custom_values": _custom_values(told, around.fields),
        "tags": tags_at(around.tags, found.native_id),
        "datastore_ids": found.given_morefs("datastore"),
        "network_ids": told.listed("network"),
    }


def _cluster_id(host_id: str | Unknown, cluster_of_host: dict[str, str | Unknown | None]) -> str | Unknown | None:
    if not is_known(host_id):
        return host_id
    if host_id not in cluster_of_host:
        return Unknown(f"host {host_id} is not visible to this account")
    return cluster_of_host[host_id]


def _custom_values(told: Told, fields: dict[str, str] | Unknown) -> tuple[tuple[str, str], ...] | Unknown:
    if isinstance(fields, Unknown):
        return fields
    listed = told.element("customValue")
    if isinstance(listed, Unknown):
        return () if told.is_silent(listed) else listed
    rows = ((plain(text(value, "key")), plain(text(value, "value"))) for value in listed)
    return tuple((fields.get(key, key), value) for key, value in rows)


def _compute(told: Told) -> Values:
    latency, stats = told.element("config.latencySensitivity"), told.element("summary.quickStats")
    return {
        "vcpus": told.integer("config.hardware.numCPU"),
        "cores_per_socket": told.integer("config.hardware.numCoresPerSocket"),
        "memory_bytes": _bytes_of(told.integer("config.hardware.memoryMB")),
        "cpu_hot_add": told.flag("config.cpuHotAddEnabled"),
        "cpu_hot_remove": told.flag("config.cpuHotRemoveEnabled"),
        "memory_hot_add": told.flag("config.memoryHotAddEnabled"),
        "cpu_allocation": allocation(told.found.values.get("config.cpuAllocation")),
        "memory_allocation": allocation(told.found.values.get("config.memoryAllocation"), MIB),
        "cpu_affinity": affinity(told, "config.cpuAffinity"),
        "memory_affinity": affinity(told, "config.memoryAffinity"),
        "latency_sensitivity": latency if isinstance(latency, Unknown) else text(latency, "level"),
        "nested_hv": told.flag("config.nestedHVEnabled"),
        "performance_counters": told.flag("config.vPMCEnabled"),
        "memory_locked": told.flag("config.memoryReservationLockedToMax"),
        "min_evc_mode": told.or_none(told.text("runtime.minRequiredEVCModeKey")),
        "confidential": confidential(told),
        "ballooned_bytes": stats if isinstance(stats, Unknown) else _bytes_of(integer(stats, "balloonedMemory")),
        "swapped_bytes": stats if isinstance(stats, Unknown) else _bytes_of(integer(stats, "swappedMemory")),
        "active_memory_bytes": stats if isinstance(stats, Unknown) else _bytes_of(integer(stats, "guestMemoryUsage")),
    }


def _bytes_of(mib: int | Unknown) -> int | Unknown:
    return mib * MIB if is_known(mib) else mib


def _firmware(told: Told) -> Values:
    key = told.element("config.keyId")
    extra = extra_config(told)
    return {
        "firmware": told.text("config.firmware"),
        **boot_settings(told),
        "encrypted": True if not isinstance(key, Unknown) else False if told.is_silent(key) else key,
        "crypto_state": told.or_none(told.text("runtime.cryptoState")),
        "disk_uuid_enabled": uses_disk_uuid(told, extra),
        "extra_config": extra,
        "npiv_wwns": npiv_wwns(told),
        "vbs": told.setting("vbsEnabled"),
        "vvtd": told.setting("vvtdEnabled"),
        "snapshot_disabled": told.setting("snapshotDisabled"),
        "snapshot_locked": told.setting("snapshotLocked"),
    }


def _functions(told: Told) -> Values:
    storage, methods = told.found.element("summary.storage"), told.found.element("disabledMethod")
    return {
        "ft_state": told.found.text("runtime.faultToleranceState"),
        "ft_configured": told.present("config.ftInfo"),
        "replicated": told.present("config.repConfig"),
        "forked": _forked(told),
        "vflash_reservation_bytes": told.or_zero(_bytes_of(told.integer("config.vFlashCacheReservation"))),
        "has_ovf_properties": has_properties(told),
        "consolidation_needed": told.boolean("runtime.consolidationNeeded"),
        "disk_chain_broken": told.flag("runtime.diskChainBroken"),
        "disabled_methods": methods if isinstance(methods, Unknown) else tuple(method.text or "" for method in methods),
        "change_tracking": told.flag("config.changeTrackingEnabled"),
        "change_tracking_supported": told.boolean("capability.changeTrackingSupported"),
        "committed_bytes": storage if isinstance(storage, Unknown) else integer(storage, "committed"),
    }


def _forked(told: Told) -> bool | Unknown:
    """An instant clone names the group of its siblings; other machines have the same information without one."""
    info = told.element("config.forkConfigInfo")
    if isinstance(info, Unknown):
        return False if told.is_silent(info) else info
    return bool(plain(text(info, "childForkGroupId")))
