"""The sheets about parts of machines: vDisk, vNetwork, vPartition, vSnapshot, vUSB, vCD; their columns that are facts."""

from __future__ import annotations

import re

from estate.facts.unknown import Unknown
from estate.rvtools.machine_columns import KEYS, TAIL
from estate.rvtools.tables import Column, SheetColumns
from estate.rvtools.values import BadCell, amount, boolean, integer, limit, mib, moment, names, text
from estate.sheets import Cell

_ADAPTERS = {
    "vmxnet3": "VirtualVmxnet3",
    "vmxnet2": "VirtualVmxnet2",
    "vmxnet": "VirtualVmxnet",
    "e1000": "VirtualE1000",
    "e1000e": "VirtualE1000e",
    "pcnet32": "VirtualPCNet32",
    "flexible": "VirtualPCNet32",
    "sriovethernetcard": "VirtualSriovEthernetCard",
    "sriov": "VirtualSriovEthernetCard",
    "vmxnet3vrdma": "VirtualVmxnet3Vrdma",
}
_CONTROLLERS = (
    ("paravirtual", "ParaVirtualSCSIController"),
    ("lsi logic sas", "VirtualLsiLogicSASController"),
    ("lsilogicsas", "VirtualLsiLogicSASController"),
    ("lsi", "VirtualLsiLogicController"),
    ("buslogic", "VirtualBusLogicController"),
    ("nvme", "VirtualNVMEController"),
    ("ahci", "VirtualAHCIController"),
    ("sata", "VirtualAHCIController"),
    ("ide", "VirtualIDEController"),
)
_TYPE_NAMES = {kind.lower(): kind for _, kind in _CONTROLLERS}
_LAST_NUMBER = re.compile(r"(\d{1,4})\D*$")


def adapter(cell: Cell) -> str:
    """VMware's type name; a word that is none of RVTools' stays as it is."""
    found = text(cell)
    return _ADAPTERS.get(found.lower().removeprefix("virtual").replace(" ", ""), found)


def controller_type(cell: Cell) -> str | Unknown:
    """VMware's type name of a controller's description, e.g. of `VMware paravirtual SCSI`."""
    found = text(cell).lower()
    known = _TYPE_NAMES.get(found) or next((kind for word, kind in _CONTROLLERS if word in found), None)
    return known or Unknown(f"controller {text(cell)[:60]!r}")


def last_number(cell: Cell) -> int:
    """2 of `SCSI controller 2`. Raises: BadCell."""
    found = _LAST_NUMBER.search(text(cell))
    if found is None:
        raise BadCell(f"{text(cell)[:60]!r} has no number")
    return int(found[1])


def lowered(cell: Cell) -> str:
    return text(cell).lower()


def mac(cell: Cell) -> str:
    return text(cell).lower().replace("-", ":")


VDISK = SheetColumns(
    "vDisk",
    (
        *KEYS,
        Column("label", ("Disk",), empty="", key=True),
        Column("device_key", ("Disk Key",), integer),
        Column("capacity_bytes", ("Capacity MiB",), mib, vital=True),
        Column("raw", ("Raw",), boolean),
        Column("raw_mode", ("Raw Comp. Mode",), empty=""),
        Column("mode", ("Disk Mode",)),
        Column("sharing", ("Sharing mode",)),
        Column("thin", ("Thin",), boolean),
        Column("shares_level", ("Level",)),
        Column("reservation", ("Reservation",), amount),
        Column("limit", ("Limit",), limit),
        Column("controller_type", ("Controller",), controller_type),
        Column("bus_number", ("Label", "SCSI label", "Controller label"), last_number),
        Column("unit_number", ("Unit #", "SCSI Unit #"), amount),
        Column("controller_shared_bus", ("Shared Bus",)),
        Column("disk_uuid", ("Disk UUID",), lowered),
        Column("file_name", ("Disk Path", "Path")),
    ),
    f"Path|Eagerly Scrub|Split|Write Through|Shares|SCSI Unit #|Raw LUN ID|{TAIL}",
)

VNETWORK = SheetColumns(
    "vNetwork",
    (
        *KEYS,
        Column("label", ("NIC label",), empty="", key=True),
        Column("adapter", ("Adapter",), adapter, empty="", key=True),
        Column("network_name", ("Network",)),
        Column("switch_name", ("Switch",)),
        Column("connected", ("Connected",), boolean),
        Column("start_connected", ("Starts Connected",), boolean),
        Column("mac_address", ("Mac Address",), mac),
        Column("address_type", ("Type",), lowered),
        Column("ipv4", ("IPv4 Address", "IP Address"), names, empty=()),
        Column("ipv6", ("IPv6 Address",), names, empty=()),
        Column("direct_path", ("Direct Path IO",), boolean),
    ),
    TAIL,
)

VPARTITION = SheetColumns(
    "vPartition",
    (
        *KEYS,
        Column("path", ("Disk",), empty="", key=True),
        Column("disk_key", ("Disk Key",), integer, empty=0),
        Column("capacity_bytes", ("Capacity MiB",), mib),
        Column("free_bytes", ("Free MiB",), mib),
    ),
    f"Consumed MiB|Free %|{TAIL}",
)

VSNAPSHOT = SheetColumns(
    "vSnapshot",
    (
        *KEYS,
        Column("name", ("Name",), empty="", key=True),
        Column("created_at", ("Date / time",), moment),
        Column("file_name", ("Filename",), empty="", key=True),
        Column("state", ("State",)),
    ),
    f"Description|Size MiB (vmsn)|Size MiB (total)|Quiesced|{TAIL}",
)

VUSB = SheetColumns(
    "vUSB",
    (
        *KEYS,
        Column("node", ("Device Node",), empty="", key=True),
        Column("kind", ("Device Type",)),
        Column("connected", ("Connected",), boolean),
    ),
    f"Family|Speed|EHCI enabled|Auto connect|Bus number|Unit number|{TAIL}",
)

VCD = SheetColumns(
    "vCD",
    (
        *KEYS,
        Column("node", ("Device Node",), empty="", key=True),
        Column("kind", ("Device Type",)),
        Column("connected", ("Connected",), boolean),
    ),
    f"Starts Connected|{TAIL}",
)
