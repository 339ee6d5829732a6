"""The hardware items of one system as devices. Item numbers are CIM's resource types; a subtype names VMware's device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml.etree import _Element

from estate.facts.source import DeviceFacts, DiskBacking, DiskFacts, NicFacts
from estate.facts.unknown import UNKNOWN, Unknown
from estate.ova.descriptor import Descriptor, StoredDisk, attribute, children, quantity, text, unit_bytes

NOT_IN_OVF = Unknown("an OVF does not tell this", everywhere=True)
NOT_TOLD = Unknown("this OVF does not tell it")

CPU, MEMORY, IDE, SCSI, ETHERNET, DISK, OTHER_STORAGE = 3, 4, 5, 6, 10, 17, 20
_CONTROLLERS = {
    "lsilogic": "VirtualLsiLogicController",
    "lsilogicsas": "VirtualLsiLogicSASController",
    "virtualscsi": "ParaVirtualSCSIController",
    "buslogic": "VirtualBusLogicController",
    "vmware.sata.ahci": "VirtualAHCIController",
    "ahci": "VirtualAHCIController",
    "vmware.nvme.controller": "VirtualNVMEController",
    "nvme": "VirtualNVMEController",
}
_NICS = {"vmxnet3": "VirtualVmxnet3", "vmxnet2": "VirtualVmxnet2", "e1000": "VirtualE1000", "e1000e": "VirtualE1000e"}
_NICS |= {"pcnet32": "VirtualPCNet32", "vmxnet": "VirtualVmxnet"}
_DEVICES = {14: "VirtualFloppy", 15: "VirtualCdrom", 16: "VirtualCdrom", 21: "VirtualSerialPort", 22: "VirtualParallelPort"}
_DEVICES |= {23: "VirtualUSBController", 24: "VirtualMachineVideoCard", 35: "VirtualSoundCard"}
_SUBTYPES = {
    "vmware.vtpm": "VirtualTPM",
    "vmware.usb.xhci": "VirtualUSBXHCIController",
    "vmware.usb.ehci": "VirtualUSBController",
}
_SUBTYPES |= {"vmware.pcipassthrough": "VirtualPCIPassthrough", "vmware.soundcard": "VirtualSoundCard"}
_NEVER_SHARED = frozenset({"VirtualIDEController", "VirtualAHCIController", "VirtualNVMEController"})
_STREAM = "streamoptimized"


@dataclass(frozen=True, slots=True)
class Item:
    """One hardware item; `resource` is 0 when it gives no number."""

    element: _Element
    resource: int
    key: int

    def told(self, name: str) -> str:
        return text(self.element, name)

    def number(self, name: str) -> int | Unknown:
        found = quantity(self.told(name))
        return NOT_TOLD if found is None else found


def items_of(section: _Element | None, configuration: str) -> list[Item]:
    """The items that hold in the default deployment option; one made for it replaces the general one of the same instance."""
    found: dict[str, Item] = {}
    for at, element in enumerate(children(section, "Item", "StorageItem", "EthernetPortItem")):
        wanted = attribute(element, "configuration").split()
        if wanted and configuration not in wanted:
            continue
        instance = text(element, "InstanceID") or text(element, "InstanceId") or f"#{at}"
        if instance in found and not wanted:
            continue
        key = quantity(instance)
        found[instance] = Item(element, quantity(text(element, "ResourceType")) or 0, 1_000_000 + at if key is None else key)
    return list(found.values())


def memory_bytes(items: list[Item]) -> int | Unknown:
    """Of the one memory item; an OVF without units means MiB by custom of every writer."""
    for item in items:
        if item.resource == MEMORY:
            unit, amount = unit_bytes(item.told("AllocationUnits") or "MB"), item.number("VirtualQuantity")
            return NOT_TOLD if unit is None or isinstance(amount, Unknown) else amount * unit
    return NOT_TOLD


def vcpus(items: list[Item]) -> tuple[int | Unknown, int | Unknown]:
    """Processors, and cores per socket (VMware's own element)."""
    for item in items:
        if item.resource == CPU:
            return item.number("VirtualQuantity"), item.number("CoresPerSocket")
    return NOT_TOLD, NOT_TOLD


def disks(items: list[Item], descriptor: Descriptor) -> Iterator[DiskFacts]:
    """Disks in the order of the items, each with its controller."""
    controllers = {str(item.key): item for item in items if item.resource in (IDE, SCSI, OTHER_STORAGE)}
    for item in items:
        if item.resource == DISK:
            disk_id = item.told("HostResource").rpartition("/")[2]
            yield _disk(item, descriptor.disks.get(disk_id), controllers.get(item.told("Parent")), list(controllers.values()))


def _disk(item: Item, stored: StoredDisk | None, controller: Item | None, controllers: list[Item]) -> DiskFacts:
    kind = UNKNOWN if controller is None else _controller_kind(controller)
    return DiskFacts(
        device_key=item.key,
        label=item.told("ElementName") or f"disk {item.key}",
        capacity_bytes=NOT_TOLD if stored is None or stored.capacity_bytes is None else stored.capacity_bytes,
        backing=_backing(stored),
        backing_type="" if stored is None else stored.format_uri,
        file_name=NOT_TOLD if stored is None or not stored.file_name else stored.file_name,
        datastore_id=None,
        mode=NOT_IN_OVF,
        sharing=NOT_IN_OVF,
        controller_type=kind,
        controller_shared_bus="noSharing" if kind in _NEVER_SHARED else NOT_TOLD,
        bus_number=NOT_TOLD if controller is None else _bus(controller, kind, controllers),
        unit_number=item.number("AddressOnParent"),
        disk_uuid=NOT_IN_OVF,
        encrypted=NOT_IN_OVF,
        has_parent=NOT_TOLD if stored is None else stored.has_parent,
        chain_length=1 if stored is not None and not stored.has_parent else NOT_TOLD,
        change_id=None,
        io_filters=NOT_IN_OVF,
    )


def _backing(stored: StoredDisk | None) -> DiskBacking | Unknown:
    if stored is None:
        return NOT_TOLD
    return DiskBacking.STREAM if _STREAM in stored.format_uri.lower() and stored.file_name else DiskBacking.OTHER


def _controller_kind(item: Item) -> str | Unknown:
    if item.resource == IDE:
        return "VirtualIDEController"
    words = item.told("ResourceSubType").lower().split()
    known = next((_CONTROLLERS[word] for word in words if word in _CONTROLLERS), None)
    return known or Unknown(f"the OVF names a controller {item.told('ResourceSubType')[:60]!r}")


def _bus(item: Item, kind: str | Unknown, controllers: list[Item]) -> int:
    """The number on its kind of bus: what `Address` says, else the place among controllers of that kind."""
    told = quantity(item.told("Address"))
    if told is not None:
        return told
    return [other.key for other in controllers if _controller_kind(other) == kind].index(item.key)


def nics(items: list[Item]) -> Iterator[NicFacts]:
    """Cards with the networks' names; an address that an OVF leaves out is made by whoever imports it."""
    for item in items:
        if item.resource == ETHERNET:
            network, subtype = item.told("Connection"), item.told("ResourceSubType")
            yield NicFacts(
                device_key=item.key,
                label=item.told("ElementName") or f"network adapter {item.key}",
                mac_address=item.told("Address").lower() or NOT_TOLD,
                network_id=network or NOT_TOLD,
                network_name=network or NOT_TOLD,
                adapter=_NICS.get(subtype.lower(), subtype),
                start_connected=_truth(item.told("AutomaticAllocation")),
            )


def others(items: list[Item]) -> Iterator[DeviceFacts]:
    """Every further device; one whose kind nobody knows keeps its resource type and subtype."""
    for item in items:
        if item.resource in (CPU, MEMORY, IDE, SCSI, ETHERNET, DISK, OTHER_STORAGE):
            continue
        subtype = item.told("ResourceSubType")
        kind = _SUBTYPES.get(subtype.lower()) or _DEVICES.get(item.resource) or f"OVF {item.resource} {subtype}".strip()
        media = item.told("HostResource")
        connected = _truth(item.told("AutomaticAllocation"))
        traits = tuple((attribute(each, "key"), attribute(each, "value")) for each in children(item.element, "Config"))
        yield DeviceFacts(item.key, kind, item.told("ElementName"), subtype, media or None, connected, traits)


def _truth(told: str) -> bool | Unknown:
    return {"true": True, "1": True, "false": False, "0": False}.get(told.lower(), NOT_TOLD)
