"""The devices of one VM: disks with their controllers, network cards, and the type names of everything else.

VMware's type name of a device is its `xsi:type`. Network references are resolved through `NetworkNames`, since a card on
a distributed switch names only its port group's key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml.etree import _Element

from estate.facts.source import DeviceFacts, DiskBacking, DiskFacts, NicFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.values import NOT_GIVEN, child, children, integer, text, wire_type
from estate.vsphere.inventory.values import boolean as truth

_BACKINGS = {
    "VirtualDiskFlatVer1BackingInfo": DiskBacking.FLAT,
    "VirtualDiskFlatVer2BackingInfo": DiskBacking.FLAT,
    "VirtualDiskSparseVer1BackingInfo": DiskBacking.SPARSE,
    "VirtualDiskSparseVer2BackingInfo": DiskBacking.SPARSE,
    "VirtualDiskSeSparseBackingInfo": DiskBacking.SE_SPARSE,
}
_RDM = "VirtualDiskRawDiskMappingVer1BackingInfo"
_RDM_MODES = {"physicalMode": DiskBacking.RDM_PHYSICAL, "virtualMode": DiskBacking.RDM_VIRTUAL}

# These controllers have no bus sharing at all in VMware's type tables (NVMe gained it in API 8.0.2.0, unset means none).
_NEVER_SHARED = frozenset({"VirtualIDEController", "VirtualAHCIController", "VirtualNVMEController"})

# Every machine has these; they say nothing about it. Controllers are told with the disks that hang on them.
_ORDINARY = frozenset(
    {
        "VirtualKeyboard",
        "VirtualPointingDevice",
        "VirtualMachineVideoCard",
        "VirtualMachineVMCIDevice",
    }
)


@dataclass(frozen=True, slots=True)
class NetworkNames:
    """Networks of the estate: name by moref value, moref value by port group key and by opaque network id."""

    names: dict[str, str] = field(default_factory=dict)
    by_portgroup_key: dict[str, str] = field(default_factory=dict)
    by_opaque_id: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Devices:
    """What one VM's device list says; unknown as a whole or not at all. `other` is everything else by device key."""

    disks: tuple[DiskFacts, ...] | Unknown
    nics: tuple[NicFacts, ...] | Unknown
    has_vtpm: bool | Unknown
    other: tuple[DeviceFacts, ...] | Unknown = ()


def unread_devices(reason: Unknown) -> Devices:
    """For a machine whose device list could not be read."""
    return Devices(disks=reason, nics=reason, has_vtpm=reason, other=reason)


def read_devices(listed: _Element, networks: NetworkNames, addresses: dict[int, tuple[str, ...]]) -> Devices:
    """Read `config.hardware.device`; `addresses` holds the guest's IP addresses by device key."""
    controllers = {integer(device, "key"): device for device in listed if child(device, "busNumber") is not None}
    disks, nics, other = [], [], []
    for device in listed:
        kind = wire_type(device)
        if kind == "VirtualDisk":
            disks.append(_disk(device, controllers.get(integer(device, "controllerKey"))))
        elif child(device, "addressType") is not None or child(device, "macAddress") is not None:
            nics.append(_nic(device, kind, networks, addresses))
        elif kind not in _ORDINARY and child(device, "busNumber") is None:
            other.append(DeviceFacts(_key(device), kind, _label(device)))
    has_vtpm = any(device.kind == "VirtualTPM" for device in other)
    return Devices(tuple(disks), tuple(nics), has_vtpm=has_vtpm, other=tuple(sorted(other, key=lambda found: found.device_key)))


def _disk(device: _Element, controller: _Element | None) -> DiskFacts:
    backing = child(device, "backing")
    disk = DiskFacts(
        device_key=_key(device),
        label=_label(device),
        capacity_bytes=_capacity_bytes(device),
        backing=_backing(backing),
        backing_type=wire_type(backing),
        file_name=text(backing, "fileName"),
        datastore_id=text(backing, "datastore"),
        thin=truth(backing, "thinProvisioned"),
        mode=text(backing, "diskMode"),
        sharing=text(backing, "sharing"),
        unit_number=integer(device, "unitNumber"),
        disk_uuid=text(backing, "uuid"),
        lun_uuid=_plain(text(backing, "lunUuid")),
    )
    return disk if controller is None else _on_controller(disk, controller)


def _on_controller(disk: DiskFacts, controller: _Element) -> DiskFacts:
    kind = wire_type(controller)
    shared_bus = text(controller, "sharedBus")
    if shared_bus is NOT_GIVEN and kind in _NEVER_SHARED:
        shared_bus = "noSharing"
    return replace(disk, controller_type=kind, controller_shared_bus=shared_bus, bus_number=integer(controller, "busNumber"))


def _backing(backing: _Element | None) -> DiskBacking | Unknown:
    kind = wire_type(backing)
    if not kind:
        return NOT_GIVEN
    if kind == _RDM:
        mode = text(backing, "compatibilityMode")
        return mode if isinstance(mode, Unknown) else _RDM_MODES.get(mode, Unknown(f"RDM in mode {mode!r}"))
    return _BACKINGS.get(kind, DiskBacking.OTHER)


def _capacity_bytes(device: _Element) -> int | Unknown:
    in_bytes = integer(device, "capacityInBytes")
    if is_known(in_bytes):
        return in_bytes
    in_kib = integer(device, "capacityInKB")
    return in_kib * 1024 if is_known(in_kib) else in_kib


def _nic(device: _Element, kind: str, networks: NetworkNames, addresses: dict[int, tuple[str, ...]]) -> NicFacts:
    key = _key(device)
    network_id, network_name = _network(child(device, "backing"), networks)
    return NicFacts(
        device_key=key,
        label=_label(device),
        mac_address=text(device, "macAddress"),
        network_id=network_id,
        network_name=network_name,
        adapter=kind,
        address_type=text(device, "addressType"),
        connected=truth(device, "connectable/connected"),
        start_connected=truth(device, "connectable/startConnected"),
        ip_addresses=addresses.get(key, ()),
    )


def _network(backing: _Element | None, networks: NetworkNames) -> tuple[str | Unknown, str | Unknown]:
    """Moref value and name of the network a card is attached to."""
    network_id = _network_id(backing, networks)
    if is_known(network_id) and network_id in networks.names:
        return network_id, networks.names[network_id]
    return network_id, text(backing, "deviceName")


def _network_id(backing: _Element | None, networks: NetworkNames) -> str | Unknown:
    key = text(backing, "port/portgroupKey")
    if is_known(key):
        return networks.by_portgroup_key.get(key, Unknown(f"no port group with key {key} is visible to this account"))
    opaque = text(backing, "opaqueNetworkId")
    if is_known(opaque):
        return networks.by_opaque_id.get(opaque, Unknown(f"no opaque network {opaque} is visible to this account"))
    return text(backing, "network")


def guest_addresses(guest_nics: _Element | None) -> dict[int, tuple[str, ...]]:
    """IP addresses as VMware Tools report them in `guest.net`, by device key."""
    if guest_nics is None:
        return {}
    return {_key(nic, "deviceConfigId"): tuple(_addresses(nic)) for nic in guest_nics}


def _addresses(nic: _Element) -> Iterator[str]:
    detailed = [address.text or "" for address in children(nic, "ipConfig/ipAddress/ipAddress")]
    plain = [address.text or "" for address in children(nic, "ipAddress")]
    yield from (address for address in dict.fromkeys(detailed + plain) if address)


def _label(device: _Element) -> str:
    return _plain(text(device, "deviceInfo/label"))


def _plain(value: str | Unknown) -> str:
    return value if is_known(value) else ""


def _key(device: _Element, path: str = "key") -> int:
    """The device key; -1, which no device has, when it cannot be read."""
    key = integer(device, path)
    return key if is_known(key) else -1
