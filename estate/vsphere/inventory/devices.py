"""The devices of one VM: disks with their controllers, network cards, and everything else that says something about it.

VMware's type name of a device is its `xsi:type`. Network references are resolved through `NetworkNames`, since a card on
a distributed switch names only its port group's key. Each device is walked once; ordinary ones are not walked at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from estate.facts.source import DeviceFacts, DiskBacking, DiskFacts, NicFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.values import NOT_GIVEN, allocation, boolean, integer, parts, plain, text, wire_type

_BACKINGS = {
    "VirtualDiskFlatVer1BackingInfo": DiskBacking.FLAT,
    "VirtualDiskFlatVer2BackingInfo": DiskBacking.FLAT,
    "VirtualDiskSparseVer1BackingInfo": DiskBacking.SPARSE,
    "VirtualDiskSparseVer2BackingInfo": DiskBacking.SPARSE,
    "VirtualDiskSeSparseBackingInfo": DiskBacking.SE_SPARSE,
}
_RDM = "VirtualDiskRawDiskMappingVer1BackingInfo"
_RDM_MODES = {"physicalMode": DiskBacking.RDM_PHYSICAL, "virtualMode": DiskBacking.RDM_VIRTUAL}
_NAMELESS = frozenset({"VirtualDiskLocalPMemBackingInfo"})

# These controllers have no bus sharing at all in VMware's type tables (NVMe gained it in API 8.0.2.0, unset means none).
_NEVER_SHARED = frozenset({"VirtualIDEController", "VirtualAHCIController", "VirtualNVMEController"})

# Every machine has these; they say nothing about it.
_ORDINARY = frozenset(
    {
        "VirtualKeyboard",
        "VirtualPointingDevice",
        "VirtualMachineVMCIDevice",
        "VirtualPCIController",
        "VirtualPS2Controller",
        "VirtualSIOController",
    }
)
_TRAITS = (
    "sharedBus",
    "enable3DSupport",
    "use3dRenderer",
    "numDisplays",
    "videoRamSizeInKB",
    "vgpu",
    "id",
    "deviceId",
    "busNumber",
)

Parts = dict[str, Element]
Addresses = dict[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class NetworkNames:
    """Networks of the estate: name by moref value, moref value by port group key and by opaque network id.

    `switches` is the distributed switch's name by the network's moref value.
    """

    names: dict[str, str] = field(default_factory=dict)
    by_portgroup_key: dict[str, str] = field(default_factory=dict)
    by_opaque_id: dict[str, str] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=dict)


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


def read_devices(
    listed: Element, networks: NetworkNames, addresses: Addresses, chains: dict[int, int] | Unknown = NOT_GIVEN
) -> Devices:
    """Read `config.hardware.device`; `addresses` holds the guest's IP addresses by device key, `chains` the lengths of disks'."""
    walked = [(kind, parts(device)) for device in listed if (kind := wire_type(device)) not in _ORDINARY]
    controllers = {plain(text(found.get("key"))): (kind, found) for kind, found in walked if "busNumber" in found}
    disks, nics, other = [], [], []
    for kind, found in walked:
        if kind == "VirtualDisk":
            disks.append(_disk(found, controllers.get(plain(text(found.get("controllerKey")))), chains))
        elif "addressType" in found or "macAddress" in found:
            nics.append(_nic(found, kind, networks, addresses))
        else:
            other.append(_other(found, kind))
    has_vtpm = any(device.kind == "VirtualTPM" for device in other)
    return Devices(tuple(disks), tuple(nics), has_vtpm=has_vtpm, other=tuple(sorted(other, key=lambda each: each.device_key)))


def _disk(found: Parts, controller: tuple[str, Parts] | None, chains: dict[int, int] | Unknown) -> DiskFacts:
    key, backing = _key(found), found.get("backing")
    behind = {} if backing is None else parts(backing)
    kind = wire_type(backing)
    bus_kind, shared_bus, bus_number = _bus(controller)
    return DiskFacts(
        device_key=key,
        label=_label(found),
        capacity_bytes=_capacity_bytes(found),
        backing=_backing(kind, behind),
        backing_type=kind,
        file_name=text(behind.get("fileName")),
        datastore_id=_datastore_id(kind, behind),
        thin=boolean(behind.get("thinProvisioned")),
        mode=text(behind.get("diskMode")),
        sharing=text(behind.get("sharing")),
        controller_type=bus_kind,
        controller_shared_bus=shared_bus,
        bus_number=bus_number,
        unit_number=integer(found.get("unitNumber")),
        disk_uuid=text(behind.get("uuid")),
        lun_uuid=plain(text(behind.get("lunUuid"))),
        encrypted="keyId" in behind if behind else NOT_GIVEN,
        has_parent="parent" in behind if behind else NOT_GIVEN,
        chain_length=chains if isinstance(chains, Unknown) else chains.get(key, NOT_GIVEN),
        native_linked_clone=boolean(found.get("nativeUnmanagedLinkedClone"), unset=False),
        change_id=plain(text(behind.get("changeId"))) or None,
        vdisk_id=text(found["vDiskId"], "id") if "vDiskId" in found else None,
        io_filters=_io_filters(found),
        vflash_reservation_bytes=_vflash_bytes(found),
        allocation=allocation(found.get("storageIOAllocation")),
    )


def _datastore_id(kind: str, behind: Parts) -> str | Unknown | None:
    if "datastore" in behind:
        return text(behind["datastore"])
    return None if behind and kind not in _NAMELESS else NOT_GIVEN


def _io_filters(found: Parts) -> tuple[str, ...]:
    device = found.get("iofilter")
    named = [device.text or ""] if device is not None else []
    more = found.get("independentFilters")
    if more is not None:
        named.append(plain(text(more, "filterName")) or more.text or "independent filter")
    return tuple(name for name in named if name)


def _vflash_bytes(found: Parts) -> int | Unknown:
    info = found.get("vFlashCacheConfigInfo")
    if info is None:
        return 0
    mib = integer(info, "reservationInMB")
    return mib << 20 if is_known(mib) else mib


def _bus(controller: tuple[str, Parts] | None) -> tuple[str | Unknown, str | Unknown, int | Unknown]:
    if controller is None:
        return NOT_GIVEN, NOT_GIVEN, NOT_GIVEN
    kind, found = controller
    shared_bus = text(found.get("sharedBus"))
    if shared_bus is NOT_GIVEN and kind in _NEVER_SHARED:
        shared_bus = "noSharing"
    return kind, shared_bus, integer(found.get("busNumber"))


def _backing(kind: str, behind: Parts) -> DiskBacking | Unknown:
    if not kind:
        return NOT_GIVEN
    if kind == _RDM:
        mode = text(behind.get("compatibilityMode"))
        return mode if isinstance(mode, Unknown) else _RDM_MODES.get(mode, Unknown(f"RDM in mode {mode!r}"))
    return _BACKINGS.get(kind, DiskBacking.OTHER)


def _capacity_bytes(found: Parts) -> int | Unknown:
    in_bytes = integer(found.get("capacityInBytes"))
    if is_known(in_bytes):
        return in_bytes
    in_kib = integer(found.get("capacityInKB"))
    return in_kib * 1024 if is_known(in_kib) else in_kib


def _nic(found: Parts, kind: str, networks: NetworkNames, addresses: Addresses) -> NicFacts:
    key, backing = _key(found), found.get("backing")
    behind = {} if backing is None else parts(backing)
    network_id = _network_id(behind, networks)
    known = is_known(network_id) and network_id in networks.names
    connectable = found.get("connectable")
    plugged = {} if connectable is None else parts(connectable)
    return NicFacts(
        device_key=key,
        label=_label(found),
        mac_address=text(found.get("macAddress")),
        network_id=network_id,
        network_name=networks.names[plain(network_id)] if known else text(behind.get("deviceName")),
        switch_name=networks.switches.get(plain(network_id), NOT_GIVEN),
        adapter=kind,
        backing_type=wire_type(backing),
        address_type=text(found.get("addressType")),
        connected=boolean(plugged.get("connected")),
        start_connected=boolean(plugged.get("startConnected")),
        direct_path=boolean(found.get("uptCompatibilityEnabled"), unset=False),
        ip_addresses=addresses.get(key, ()),
    )


def _network_id(behind: Parts, networks: NetworkNames) -> str | Unknown:
    if "port" in behind:
        key = text(behind["port"], "portgroupKey")
        if is_known(key):
            return networks.by_portgroup_key.get(key, Unknown(f"no port group with key {key} is visible to this account"))
    opaque = text(behind.get("opaqueNetworkId"))
    if is_known(opaque):
        return networks.by_opaque_id.get(opaque, Unknown(f"no opaque network {opaque} is visible to this account"))
    return text(behind.get("network"))


def _other(found: Parts, kind: str) -> DeviceFacts:
    backing = found.get("backing")
    behind = {} if backing is None else parts(backing)
    return DeviceFacts(
        device_key=_key(found),
        kind=kind,
        label=_label(found),
        backing_type=wire_type(backing),
        backing=None if backing is None else _stands_on(behind),
        connected=_connected(found),
        traits=_traits(behind | found),
    )


def _connected(found: Parts) -> bool | Unknown:
    """A USB device says it itself, other devices in what they tell of their connection."""
    connectable = found.get("connectable")
    return boolean(found.get("connected")) if connectable is None else boolean(connectable, "connected")


def _stands_on(behind: Parts) -> str | Unknown:
    for name in ("fileName", "deviceName", "vgpu", "serviceURI", "pipeName", "id"):
        if name in behind:
            return behind[name].text or ""
    return NOT_GIVEN


def _traits(found: Parts) -> tuple[tuple[str, str], ...]:
    return tuple((name, found[name].text or "") for name in _TRAITS if name in found)


def _label(found: Parts) -> str:
    info = found.get("deviceInfo")
    return "" if info is None else plain(text(info, "label"))


def _key(found: Parts) -> int:
    """The device key; -1, which no device has, when it cannot be read."""
    key = integer(found.get("key"))
    return key if is_known(key) else -1
