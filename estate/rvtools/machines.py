"""Machines put together from the rows of all sheets about them."""

from __future__ import annotations

from typing import Any

from estate.facts.source import (
    AllocationFacts,
    GuestDiskFacts,
    VmFacts,
)
from estate.facts.unknown import Unknown, is_known
from estate.rvtools import devices
from estate.rvtools.drafts import Draft
from estate.rvtools.guests import guest_id
from estate.rvtools.landscape import Register
from estate.rvtools.machine_columns import KEYS, VCPU, VMEMORY, VTOOLS
from estate.rvtools.tables import NOT_IN_WORKBOOKS, Record

_BASE = devices.not_in_workbooks(VmFacts)
_FIELDS = frozenset(_BASE)
_KEY_FIELDS = tuple(column.field for column in KEYS)
_PARTIAL = Unknown("RVTools lists only some kinds of devices", everywhere=True)
_OLD_UUID = Unknown("a workbook without SMBIOS UUID does not tell which UUID it has", everywhere=True)
_NO_HOME = Unknown("the workbook does not tell where the machine's own files lie")
_FT_DISABLED = Unknown("fault tolerance is disabled; whether it is still set up a workbook does not tell")
_PLACEHOLDER = "placeholderVm"


def add_disk(draft: Draft, record: Record, register: Register) -> None:
    path = record["file_name"]
    store_id = path if isinstance(path, Unknown) else register.datastores.find(draft.center, devices.store_of(path))
    draft.disks.append(devices.disk(record, len(draft.disks), store_id))


def add_nic(draft: Draft, record: Record, register: Register) -> None:
    network_id = register.networks.find(draft.center, record["network_name"])
    draft.nics.append(devices.nic(record, len(draft.nics), network_id))


def add_volume(draft: Draft, record: Record, _: Register) -> None:
    draft.volumes.append(devices.guest_disk(record))


def add_snapshot(draft: Draft, record: Record, _: Register) -> None:
    draft.snapshots.append(devices.snapshot(record, len(draft.snapshots) + 1))


def add_fields(draft: Draft, record: Record, _: Register) -> None:
    for name in _KEY_FIELDS:
        del record[name]
    draft.record |= record


def add_cd_drive(draft: Draft, record: Record, _: Register) -> None:
    draft.cd_drives.append(devices.cd_drive(record, len(draft.cd_drives)))


def add_usb_device(draft: Draft, record: Record, _: Register) -> None:
    draft.usb_devices.append(devices.usb_device(record, len(draft.usb_devices)))


def facts(draft: Draft, register: Register, sheets: frozenset[str]) -> VmFacts:
    """The machine as all its rows tell it; `sheets` are those the workbook has."""
    told = _without(draft, sheets) | draft.record
    fields = _BASE | {name: value for name, value in told.items() if name in _FIELDS}
    fields |= _place(draft, told, register) | _guest(draft, told, sheets) | _identity(told)
    fields |= {
        "cpu_allocation": AllocationFacts(told["cpu_reservation"], told["cpu_limit"], told["cpu_level"]),
        "memory_allocation": AllocationFacts(told["memory_reservation"], told["memory_limit"], told["memory_level"]),
        "annotation": "" if isinstance(told["annotation"], Unknown) else told["annotation"],
        "ft_configured": _configured(told["ft_state"]),
        "devices": _PARTIAL,
        "cd_drives": tuple(draft.cd_drives) if "vCD" in sheets else _no_sheet("vCD"),
        "usb_devices": tuple(draft.usb_devices) if "vUSB" in sheets else _no_sheet("vUSB"),
        "cluster_rule_names": _rules(told),
        "vmx_path": told["path"] or Unknown("the workbook has no Path for this machine"),
        "disks": tuple(draft.disks),
        "nics": tuple(draft.nics),
        "snapshots": tuple(draft.snapshots) if "vSnapshot" in sheets else _no_sheet("vSnapshot"),
        "datastore_ids": _stores(draft, told, register),
        "extra": tuple(draft.extra),
    }
    return VmFacts(native_id=draft.native_id, name=told["vm_name"], **fields)


def _without(draft: Draft, sheets: frozenset[str]) -> Record:
    """Why the fields of sheets that say nothing of this machine are unknown."""
    missing: Record = {}
    for layout in (VCPU, VMEMORY, VTOOLS):
        if layout.name not in draft.seen:
            missing |= layout.without_row() if layout.name in sheets else layout.without_sheet()
    return missing


def _no_sheet(name: str) -> Unknown:
    return Unknown(f"the workbook has no sheet {name}", everywhere=True)


def _identity(told: Record) -> dict[str, Any]:
    """Old versions have one UUID, and not always the same one."""
    bios, uuid, placeholder = told["smbios_uuid"], told["vm_uuid"], told["placeholder"]
    is_old = isinstance(bios, Unknown) and bios.everywhere
    return {
        "bios_uuid": _OLD_UUID if is_old else bios,
        "instance_uuid": _OLD_UUID if is_old else uuid or Unknown("the workbook has no VM UUID for this machine"),
        "managed_by": _PLACEHOLDER if placeholder is True else NOT_IN_WORKBOOKS,
    }


def _place(draft: Draft, told: Record, register: Register) -> dict[str, Any]:
    center, pool, vapp = draft.center, told["pool_path"], told["vapp_name"]
    return {
        "host_id": register.hosts.find(center, told["host_name"]),
        "cluster_id": None if told["cluster_name"] is None else register.clusters.find(center, told["cluster_name"]),
        "folder_path": _folder(told["folder"], told["datacenter"]),
        "resource_pool_id": pool if pool is None or isinstance(pool, Unknown) else register.pools.find(center, pool),
        "vapp_id": vapp if vapp is None or isinstance(vapp, Unknown) else register.vapps.add(center, vapp),
    }


def _folder(folder: str | Unknown, datacenter: str | Unknown) -> str:
    """Names from the datacenter down, joined by slashes."""
    within = "" if isinstance(folder, Unknown) else folder.strip("/")
    center = "" if isinstance(datacenter, Unknown) else datacenter
    if not center or within == center or within.startswith(f"{center}/"):
        return within
    return "/".join(part for part in (center, "vm", within.removeprefix("vm").lstrip("/")) if part)


def _guest(draft: Draft, told: Record, sheets: frozenset[str]) -> dict[str, Any]:
    """The best known guest is what Tools report while they run, else what is configured."""
    runs = told["tools_running"] if is_known(told["tools_running"]) else told["guest_state"]
    configured, seen = told["configured_guest_full_name"], told["reported_guest_full_name"]
    best = seen if runs is True and isinstance(seen, str) else configured
    return {
        "tools_running": runs,
        "guest_full_name": best,
        "guest_id": guest_id(best),
        "configured_guest_id": guest_id(configured),
        "reported_guest_id": None if seen is None else guest_id(seen),
        "guest_nics": devices.guest_nics(draft.nics),
        "guest_disks": _volumes(draft, sheets),
    }


def _volumes(draft: Draft, sheets: frozenset[str]) -> tuple[GuestDiskFacts, ...] | Unknown:
    if draft.volumes:
        return tuple(draft.volumes)
    return Unknown("sheet vPartition has no row for this") if "vPartition" in sheets else _no_sheet("vPartition")


def _configured(ft_state: str | Unknown) -> bool | Unknown:
    """Whether fault tolerance is set up. One that is disabled still may be: of that the workbook tells no more."""
    if isinstance(ft_state, Unknown):
        return ft_state
    state = ft_state.lower()
    return _FT_DISABLED if state == "disabled" else state != "notconfigured"


def _stores(draft: Draft, told: Record, register: Register) -> tuple[str, ...] | Unknown:
    """Where the machine's own files and its disks lie; unknown unless all of them are."""
    home = "" if isinstance(told["path"], Unknown) else devices.store_of(told["path"])
    found = [register.datastores.find(draft.center, home) if home else _NO_HOME, *(disk.datastore_id for disk in draft.disks)]
    unread = next((each for each in found if isinstance(each, Unknown)), None)
    return tuple(dict.fromkeys(each for each in found if isinstance(each, str))) if unread is None else unread


def _rules(told: Record) -> tuple[str, ...] | Unknown:
    """The DRS rules the machine is in, by name, else by what is said of them. Rules on groups of machines may be missing."""
    names, kinds = told["rule_names"], told["rules"]
    if is_known(names) and names:
        return tuple(names)
    if is_known(kinds) and kinds:
        return (kinds,)
    return names if isinstance(names, Unknown) and isinstance(kinds, Unknown) else ()
