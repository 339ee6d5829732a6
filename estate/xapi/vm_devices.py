"""Disks, NICs and the CD drive of a conversion's VM, observe-then-act; and what of them is there.

VDIs are found by their tags, VBDs and VIFs by their VM and place. VMs themselves are made in vm.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from estate.errors import AskPerson
from estate.xapi import tasks
from estate.xapi.leftovers import only_one
from estate.xapi.pool_vms import CONVERSION_KEY, DISK_KEY
from estate.xapi.session import NULL_REF, XapiSession
from estate.xapi.vm_spec import LARGEST_VHD_BYTES, VmDisk, VmNic, fits_sr_kind, rounded_vdi_bytes

CD_POSITION = "3"
_CREATE_DEADLINE_S = 600.0
_NO_QOS: dict[str, Any] = {"qos_algorithm_type": "", "qos_algorithm_params": {}}


@dataclass(frozen=True, slots=True)
class Attached:
    """What a VM has: uuid of the VDI by position, MAC address (lower case) by device, number of CD drives."""

    disks: dict[str, str]
    nics: dict[str, str]
    cd_drives: int


def ensure_vdi(session: XapiSession, disk: VmDisk, conversion_id: str, *, vm_name: str) -> str:
    """The uuid of the conversion's VDI for this disk, made on its SR unless it is there already.

    Raises:
        SrFull: no room. AskPerson: `vdi_too_large` for the SR's type, `vdi_differs` when a tagged VDI has another place.
    """
    sr = session.call("SR.get_by_uuid", disk.sr_uuid)
    sr_record = session.call("SR.get_record", sr)
    if not fits_sr_kind(disk.size_bytes, str(sr_record["type"])):
        raise AskPerson(
            f"{disk.label} of {vm_name} has {disk.size_bytes} bytes; "
            f"the SR {sr_record['name_label']} takes at most {LARGEST_VHD_BYTES}",
            code="vdi_too_large",
            next_step="Map this disk to an SR that takes larger VDIs, or split it in the guest.",
            where=session.name,
        )
    record = only_one(session, "VDI", conversion_id, disk_key=str(disk.device_key))
    if record is not None:
        _check_same(session, record, sr, disk, vm_name)
        return str(record["uuid"])
    # As a task: a thick SR on a busy array may take longer than one request is waited for. To its end, also when the job is
    # to stop: what is made behind nobody's back would be made a second time, or be left behind.
    wanted = _vdi_record(disk, sr, conversion_id, vm_name)
    result = tasks.run_to_end(session, "VDI.create", wanted, deadline_s=_CREATE_DEADLINE_S, what=f"making a VDI for {vm_name}")
    return str(session.call("VDI.get_uuid", tasks.created_ref(result)))


def _vdi_record(disk: VmDisk, sr: str, conversion_id: str, vm_name: str) -> dict[str, Any]:
    return {
        "name_label": f"{vm_name} {disk.label}",
        "name_description": f"Converted by Xenbound from {disk.label} of {vm_name}",
        "SR": sr,
        "virtual_size": str(rounded_vdi_bytes(disk.size_bytes)),
        "type": "user",
        "sharable": False,
        "read_only": False,
        "other_config": {CONVERSION_KEY: conversion_id, DISK_KEY: str(disk.device_key)},
        "xenstore_data": {},
        "sm_config": {},
        "tags": [],
    }


def _check_same(session: XapiSession, record: dict[str, Any], sr: str, disk: VmDisk, vm_name: str) -> None:
    if record["SR"] == sr and int(record["virtual_size"]) >= disk.size_bytes:
        return
    raise AskPerson(
        f"{session.name}: this conversion's VDI {record['name_label']} is smaller than {disk.label} of {vm_name}, "
        "or on another SR",
        code="vdi_differs",
        next_step="Remove what is left of the earlier conversion, then start it again.",
        where=session.name,
    )


def ensure_vbd(session: XapiSession, vm_uuid: str, vdi_uuid: str, position: str, *, conversion_id: str = "") -> None:
    """Attach a VDI to the halted VM at a position; position "0" is the boot disk.

    Raises:
        AskPerson: `position_taken` by something else.
    """
    vm = session.call("VM.get_by_uuid", vm_uuid)
    vdi = session.call("VDI.get_by_uuid", vdi_uuid)
    drives = _records(session, "VBD", session.call("VM.get_VBDs", vm))
    if any(drive["VDI"] == vdi for drive in drives):
        return
    _check_free(session, vm, drives, position)
    session.call("VBD.create", _vbd_record(vm, vdi, position, "Disk", conversion_id))


def ensure_cd(session: XapiSession, vm_uuid: str, *, conversion_id: str = "") -> None:
    """Give the VM an empty CD drive at position "3", unless it has one.

    Raises:
        AskPerson: `position_taken` by a disk.
    """
    vm = session.call("VM.get_by_uuid", vm_uuid)
    drives = _records(session, "VBD", session.call("VM.get_VBDs", vm))
    if any(drive["type"] == "CD" for drive in drives):
        return
    _check_free(session, vm, drives, CD_POSITION)
    session.call("VBD.create", _vbd_record(vm, NULL_REF, CD_POSITION, "CD", conversion_id))


def _vbd_record(vm: str, vdi: str, position: str, kind: str, conversion_id: str) -> dict[str, Any]:
    is_disk = kind == "Disk"
    return {
        "VM": vm,
        "VDI": vdi,
        "userdevice": position,
        "bootable": is_disk and position == "0",
        "mode": "RW" if is_disk else "RO",
        "type": kind,
        "empty": not is_disk,
        "other_config": {CONVERSION_KEY: conversion_id} if conversion_id else {},
        **_NO_QOS,
    }


def _check_free(session: XapiSession, vm: str, drives: list[dict[str, Any]], position: str) -> None:
    if all(drive["userdevice"] != position for drive in drives):
        return
    raise AskPerson(
        f"{session.name}: position {position} of {session.call('VM.get_name_label', vm)} is taken by another drive",
        code="position_taken",
        next_step="Detach that drive from the VM in the pool, then start again.",
        where=session.name,
    )


def ensure_vif(session: XapiSession, vm_uuid: str, nic: VmNic, *, conversion_id: str = "") -> None:
    """Give the VM its NIC with the source's MAC address; the pool makes one where the source named none.

    Raises:
        AskPerson: `vif_differs` when the place is taken by a NIC with another MAC or network.
    """
    vm = session.call("VM.get_by_uuid", vm_uuid)
    network = session.call("network.get_by_uuid", nic.network_uuid)
    for vif in _records(session, "VIF", session.call("VM.get_VIFs", vm)):
        if vif["device"] == nic.device:
            _check_same_nic(session, vm, vif, nic, network)
            return
    session.call(
        "VIF.create",
        {
            "device": nic.device,
            "network": network,
            "VM": vm,
            "MAC": nic.mac_address.lower(),
            "MTU": str(session.call("network.get_MTU", network)),
            "locking_mode": nic.locking_mode or "network_default",
            "other_config": {CONVERSION_KEY: conversion_id} if conversion_id else {},
            **_NO_QOS,
        },
    )


def _check_same_nic(session: XapiSession, vm: str, vif: dict[str, Any], nic: VmNic, network: str) -> None:
    if vif["network"] == network and nic.mac_address.lower() in ("", vif["MAC"].lower()):
        return
    raise AskPerson(
        f"{session.name}: NIC {nic.device} of {session.call('VM.get_name_label', vm)} is there already, "
        f"with MAC {vif['MAC']} and perhaps another network",
        code="vif_differs",
        next_step="Remove that NIC from the VM in the pool, then start again.",
        where=session.name,
    )


def ensure_vtpm(session: XapiSession, vm_uuid: str) -> None:
    """Give the halted VM a new, empty TPM, unless it has one. It goes when the VM goes.

    Raises:
        AskPerson: `licence_missing`, or another refusal of the pool.
    """
    vm = session.call("VM.get_by_uuid", vm_uuid)
    if not session.call("VM.get_VTPMs", vm):
        session.call("VTPM.create", vm, False)


def macs_in_use(session: XapiSession, *, except_conversions: Collection[str] = ()) -> dict[str, str]:
    """MAC addresses (lower case) of all VMs in the pool with the VM's name; conversions' own VMs can be left out."""
    machines = session.call("VM.get_all_records")
    taken = {}
    for vif in session.call("VIF.get_all_records").values():
        vm = machines.get(vif["VM"])
        if vm is None or vm["is_a_snapshot"] or vm["is_a_template"]:
            continue
        if vm["other_config"].get(CONVERSION_KEY) not in except_conversions:
            taken[str(vif["MAC"]).lower()] = str(vm["name_label"])
    return taken


def attached(session: XapiSession, vm_uuid: str) -> Attached:
    """The disks, NICs and CD drives that the VM has now. Raises: ObjectGone."""
    vm = session.call("VM.get_by_uuid", vm_uuid)
    drives = _records(session, "VBD", session.call("VM.get_VBDs", vm))
    disks = {str(drive["userdevice"]): _vdi_uuid(session, drive["VDI"]) for drive in drives if drive["type"] == "Disk"}
    vifs = _records(session, "VIF", session.call("VM.get_VIFs", vm))
    nics = {str(vif["device"]): str(vif["MAC"]).lower() for vif in vifs}
    return Attached(disks, nics, sum(drive["type"] == "CD" for drive in drives))


def _vdi_uuid(session: XapiSession, vdi: str) -> str:
    return "" if vdi == NULL_REF else str(session.call("VDI.get_uuid", vdi))


def vdi_bytes(session: XapiSession, vdi_uuid: str) -> int:
    """The VDI's virtual size. Raises: ObjectGone."""
    return int(session.call("VDI.get_virtual_size", session.call("VDI.get_by_uuid", vdi_uuid)))


def _records(session: XapiSession, kind: str, refs: list[str]) -> list[dict[str, Any]]:
    return [session.call(f"{kind}.get_record", ref) for ref in refs]
