"""Rows about parts of machines as facts: disks, network cards, volumes, snapshots."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import fields

from estate.facts.source import (
    AllocationFacts,
    DeviceFacts,
    DiskBacking,
    DiskFacts,
    GuestDiskFacts,
    GuestNicFacts,
    NicFacts,
    PowerState,
    SnapshotFacts,
)
from estate.facts.unknown import UNKNOWN, Unknown, is_known
from estate.rvtools.tables import NOT_IN_WORKBOOKS, Record

DISK_KEY, CD_KEY, NIC_KEY, USB_KEY = 2000, 3000, 4000, 7000
_DELTA = re.compile(r"-\d{6}\.vmdk$")
_STORE = re.compile(r"\[([^\]]+)\]")
_NUMBER = re.compile(r"(\d{1,4})\D*$")
_DELTA_BACKING = Unknown("the disk is a snapshot's; RVTools does not tell its format")
_USB_CONTROLLERS = (
    ("xhci", "VirtualUSBXHCIController"),
    ("ehci", "VirtualUSBController"),
    ("controller", "VirtualUSBController"),
)
_RAW_MODES = {"physicalmode": DiskBacking.RDM_PHYSICAL, "virtualmode": DiskBacking.RDM_VIRTUAL}


def not_in_workbooks(kind: type) -> dict[str, Any]:
    """Every field of these facts that may be UNKNOWN, as one no workbook has."""
    return {each.name: NOT_IN_WORKBOOKS for each in fields(kind) if each.default is UNKNOWN}


_DISK, _NIC = not_in_workbooks(DiskFacts), not_in_workbooks(NicFacts)


def store_of(path: str) -> str:
    """`san` of `[san] web/web.vmdk`; empty when the path names none."""
    found = _STORE.match(path)
    return found[1] if found else ""


def disk(record: Record, number: int, datastore_id: str | Unknown) -> DiskFacts:
    """`number` counts the machine's disks from 0; `datastore_id` is that of the store its file is on."""
    file_name, key = record["file_name"], record["device_key"]
    store = store_of(file_name) if is_known(file_name) else ""
    is_delta = is_known(file_name) and _DELTA.search(file_name) is not None
    fields = _DISK | {
        "device_key": key if is_known(key) else DISK_KEY + number,
        "label": record["label"] or f"Hard disk {number + 1}",
        "capacity_bytes": record["capacity_bytes"],
        "backing": _backing(record, is_delta),
        "file_name": file_name,
        "datastore_id": datastore_id,
        "datastore_name": store or (file_name if isinstance(file_name, Unknown) else NOT_IN_WORKBOOKS),
        "thin": record["thin"],
        "mode": record["mode"],
        "sharing": record["sharing"],
        "controller_type": record["controller_type"],
        "controller_shared_bus": record["controller_shared_bus"],
        "bus_number": record["bus_number"],
        "unit_number": record["unit_number"],
        "disk_uuid": record["disk_uuid"],
        "allocation": AllocationFacts(record["reservation"], record["limit"], record["shares_level"]),
    }
    if is_delta:
        fields["has_parent"] = True
    return DiskFacts(**fields)


def _backing(record: Record, is_delta: bool) -> DiskBacking | Unknown:
    """RDM or a plain file: whatever else a file is, RVTools does not tell, but for a snapshot's by its name."""
    raw = record["raw"]
    if isinstance(raw, Unknown):
        return raw
    if raw:
        mode = record["raw_mode"]
        return mode if isinstance(mode, Unknown) else _RAW_MODES.get(mode.lower(), Unknown(f"RDM in mode {mode!r}"))
    return _DELTA_BACKING if is_delta else DiskBacking.FLAT


def nic(record: Record, number: int, network_id: str | Unknown) -> NicFacts:
    """`number` counts the machine's NICs from 0; the device key follows the number in the label."""
    label = record["label"]
    kind = record["adapter"]
    return NicFacts(
        device_key=NIC_KEY + _ordinal(label, number),
        label=label or f"Network adapter {number + 1}",
        mac_address=record["mac_address"],
        network_id=network_id,
        network_name=record["network_name"],
        switch_name=record["switch_name"],
        adapter="" if isinstance(kind, Unknown) else kind,
        address_type=record["address_type"],
        connected=record["connected"],
        start_connected=record["start_connected"],
        direct_path=record["direct_path"],
        ip_addresses=addresses(record),
    )


def _ordinal(label: str, number: int) -> int:
    """1 of `Network adapter 2`; `number` for a label without such an end."""
    found = _NUMBER.search(label)
    return int(found[1]) - 1 if found and int(found[1]) else number


def addresses(record: Record) -> tuple[str, ...]:
    """What Tools told of this card, IPv4 before IPv6."""
    return tuple(each for field in ("ipv4", "ipv6") if is_known(record[field]) for each in record[field])


def guest_nics(nics: list[NicFacts]) -> tuple[GuestNicFacts, ...] | Unknown:
    """The cards as Tools told of them. Where none has an address nobody knows whether Tools were asked."""
    if any(each.ip_addresses for each in nics):
        return tuple(map(_guest_nic, nics))
    return Unknown("the workbook has no IP address of this machine")


def _guest_nic(card: NicFacts) -> GuestNicFacts:
    return GuestNicFacts(
        device_key=card.device_key,
        mac_address="" if isinstance(card.mac_address, Unknown) else card.mac_address,
        network_name="" if isinstance(card.network_name, Unknown) else card.network_name,
        connected=card.connected,
        ip_addresses=card.ip_addresses,
        origins=("",) * len(card.ip_addresses),
        dhcp=NOT_IN_WORKBOOKS,
    )


def guest_disk(record: Record) -> GuestDiskFacts:
    key = record["disk_key"]
    return GuestDiskFacts(
        path="" if isinstance(record["path"], Unknown) else record["path"],
        capacity_bytes=record["capacity_bytes"],
        free_bytes=record["free_bytes"],
        device_keys=(key,) if is_known(key) and key > 0 else (),
    )


def cd_drive(record: Record, number: int) -> DeviceFacts:
    """`number` counts the machine's drives from 0. What is in a drive is all that the sheet calls its type."""
    return DeviceFacts(CD_KEY + number, "VirtualCdrom", record["node"], "", _named(record["kind"]), record["connected"])


def usb_device(record: Record, number: int) -> DeviceFacts:
    """`number` counts the machine's rows from 0. A row that does not call itself a controller is a device."""
    backing = _named(record["kind"])
    words = f"{record['node']} {backing}".lower()
    kind = next((kind for word, kind in _USB_CONTROLLERS if word in words), "VirtualUSB")
    return DeviceFacts(USB_KEY + number, kind, record["node"], "", backing, record["connected"])


def _named(kind: str | Unknown) -> str:
    """A row is there for something, whatever it is called."""
    return "" if isinstance(kind, Unknown) else kind


def snapshot(record: Record, number: int) -> SnapshotFacts:
    """`number` counts the machine's snapshots from 1. A sheet does not tell branches: all count as one chain, the worst case."""
    state, file_name = record["state"], record["file_name"]
    return SnapshotFacts(
        native_id=file_name if is_known(file_name) and file_name else f"snapshot:{number}",
        name="" if isinstance(record["name"], Unknown) else record["name"],
        created_at=record["created_at"],
        with_memory=state if isinstance(state, Unknown) else state.lower().replace(" ", "") == PowerState.ON.lower(),
        depth=number,
    )
