"""Devices of one VM from the wire: odd backings, networks that only a key names, controllers, flagged types."""

from __future__ import annotations

import pytest

from estate.facts.source import DiskBacking, DiskFacts, NicFacts
from estate.facts.unknown import Unknown
from estate.vsphere.inventory.devices import Devices, NetworkNames, read_devices
from estate.vsphere.inventory.guests import addresses_by_key as guest_addresses
from estate.vsphere.inventory.values import NOT_GIVEN
from tests.unit.estate_vsphere.xml import prop, read_one

NETWORKS = NetworkNames(
    names={"network-1": "LAN", "dvportgroup-2": "dv-120", "network-o3": "nsx"},
    by_portgroup_key={"dvportgroup-2": "dvportgroup-2"},
    by_opaque_id={"ls-1": "network-o3"},
)


def _device(kind: str, inside: str, key: int = 2000) -> str:
    return f'<VirtualDevice xsi:type="{kind}"><key>{key}</key>{inside}</VirtualDevice>'


def _read(*devices: str, guest_net: str = "") -> Devices:
    found = read_one(
        prop("config.hardware.device", "".join(devices), "ArrayOfVirtualDevice"),
        prop("guest.net", guest_net, "ArrayOfGuestNicInfo"),
    )
    return read_devices(found.values["config.hardware.device"], NETWORKS, guest_addresses(found.values["guest.net"]))


def _disk(backing: str, inside: str = "", more: str = "<capacityInKB>1024</capacityInKB>") -> DiskFacts:
    disks = _read(_device("VirtualDisk", f'<backing xsi:type="{backing}">{inside}</backing>{more}')).disks
    assert not isinstance(disks, Unknown)
    return disks[0]


def _nic(backing: str) -> NicFacts:
    nics = _read(_device("VirtualVmxnet3", f"<backing>{backing}</backing><macAddress>00:50:56:00:00:01</macAddress>", 4000)).nics
    assert not isinstance(nics, Unknown)
    return nics[0]


@pytest.mark.parametrize(
    ("backing", "inside", "expected"),
    [
        ("VirtualDiskFlatVer2BackingInfo", "", DiskBacking.FLAT),
        ("VirtualDiskSparseVer2BackingInfo", "", DiskBacking.SPARSE),
        ("VirtualDiskSeSparseBackingInfo", "", DiskBacking.SE_SPARSE),
        (
            "VirtualDiskRawDiskMappingVer1BackingInfo",
            "<compatibilityMode>physicalMode</compatibilityMode>",
            DiskBacking.RDM_PHYSICAL,
        ),
        (
            "VirtualDiskRawDiskMappingVer1BackingInfo",
            "<compatibilityMode>virtualMode</compatibilityMode>",
            DiskBacking.RDM_VIRTUAL,
        ),
        ("VirtualDiskLocalPMemBackingInfo", "", DiskBacking.OTHER),
        ("VirtualDiskBackingFromTheFuture", "", DiskBacking.OTHER),
    ],
)
def test_every_backing_is_named(backing: str, inside: str, expected: DiskBacking) -> None:
    disk = _disk(backing, inside)
    assert (disk.backing, disk.backing_type) == (expected, backing)


@pytest.mark.parametrize("inside", ["", "<compatibilityMode>sideways</compatibilityMode>"])
def test_an_rdm_of_unknown_mode_is_unknown_not_virtual(inside: str) -> None:
    assert isinstance(_disk("VirtualDiskRawDiskMappingVer1BackingInfo", inside).backing, Unknown)


def test_bytes_win_over_kilobytes_and_a_missing_size_is_unknown() -> None:
    both = "<capacityInKB>1</capacityInKB><capacityInBytes>1536</capacityInBytes>"
    assert _disk("VirtualDiskFlatVer2BackingInfo", more=both).capacity_bytes == 1536
    assert _disk("VirtualDiskFlatVer2BackingInfo").capacity_bytes == 1024 * 1024
    assert isinstance(_disk("VirtualDiskFlatVer2BackingInfo", more="").capacity_bytes, Unknown)


def test_a_disk_without_its_controller_has_no_address_to_match() -> None:
    disk = _disk("VirtualDiskFlatVer2BackingInfo")
    assert isinstance(disk.controller_type, Unknown)
    assert isinstance(disk.controller_shared_bus, Unknown)


@pytest.mark.parametrize(
    ("controller", "shared", "expected"),
    [
        ("ParaVirtualSCSIController", "<sharedBus>physicalSharing</sharedBus>", "physicalSharing"),
        ("VirtualAHCIController", "", "noSharing"),
        ("VirtualNVMEController", "<sharedBus>physicalSharing</sharedBus>", "physicalSharing"),
        ("ParaVirtualSCSIController", "", Unknown("the server gives no value")),
    ],
)
def test_bus_sharing_is_read_and_never_assumed_for_scsi(controller: str, shared: str, expected: object) -> None:
    disks = _read(
        _device(controller, f"<busNumber>1</busNumber>{shared}", 1001),
        _device("VirtualDisk", "<controllerKey>1001</controllerKey><unitNumber>3</unitNumber>"),
    ).disks
    assert not isinstance(disks, Unknown)
    assert (disks[0].controller_shared_bus, disks[0].address) == (expected, f"{controller}1:3")


def test_cards_are_resolved_by_reference_port_group_key_or_opaque_id() -> None:
    standard = '<deviceName>LAN</deviceName><network type="Network">network-1</network>'
    assert (_nic(standard).network_id, _nic(standard).network_name) == ("network-1", "LAN")
    distributed = "<port><switchUuid>50 2e</switchUuid><portgroupKey>dvportgroup-2</portgroupKey></port>"
    assert (_nic(distributed).network_id, _nic(distributed).network_name) == ("dvportgroup-2", "dv-120")
    opaque = "<opaqueNetworkId>ls-1</opaqueNetworkId><opaqueNetworkType>nsx.LogicalSwitch</opaqueNetworkType>"
    assert (_nic(opaque).network_id, _nic(opaque).network_name) == ("network-o3", "nsx")


def test_a_card_on_a_network_this_account_cannot_see_is_unknown_and_says_which() -> None:
    hidden = _nic("<port><portgroupKey>dvportgroup-99</portgroupKey></port>")
    assert isinstance(hidden.network_id, Unknown)
    assert "dvportgroup-99" in hidden.network_id.reason
    named = _nic("<deviceName>Old LAN</deviceName>")
    assert (isinstance(named.network_id, Unknown), named.network_name) == (True, "Old LAN")


def test_addresses_come_from_the_guest_by_device_key() -> None:
    net = (
        "<GuestNicInfo><ipAddress>10.0.0.5</ipAddress><deviceConfigId>4000</deviceConfigId>"
        "<ipConfig><ipAddress><ipAddress>10.0.0.5</ipAddress></ipAddress>"
        "<ipAddress><ipAddress>fe80::1</ipAddress></ipAddress></ipConfig></GuestNicInfo>"
    )
    nics = _read(_device("VirtualE1000", "<macAddress>00:50:56:00:00:01</macAddress>", 4000), guest_net=net).nics
    assert not isinstance(nics, Unknown)
    assert nics[0].ip_addresses == ("10.0.0.5", "fe80::1")


def test_flagged_devices_are_named_and_ordinary_ones_left_out() -> None:
    devices = _read(
        _device("VirtualTPM", "", 11000),
        _device("VirtualUSB", "", 7000),
        _device("VirtualPCIPassthrough", "", 13000),
        _device("VirtualKeyboard", "", 600),
        _device("VirtualUSBController", "<busNumber>0</busNumber>", 7001),
    )
    assert isinstance(devices.other, tuple)
    assert [device.kind for device in devices.other] == [
        "VirtualUSB",
        "VirtualUSBController",
        "VirtualTPM",
        "VirtualPCIPassthrough",
    ]
    assert devices.has_vtpm is True


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<connected>true</connected>", True),
        ("<connectable><connected>false</connected></connectable>", False),
        ("", NOT_GIVEN),
    ],
)
def test_a_device_tells_whether_it_is_connected_itself_or_in_its_connection(inside: str, expected: object) -> None:
    devices = _read(_device("VirtualUSB", inside, 7000)).other
    assert isinstance(devices, tuple)
    assert devices[0].connected == expected


def test_a_graphics_card_tells_its_3d_support_and_displays() -> None:
    card = _device("VirtualMachineVideoCard", "<numDisplays>2</numDisplays><enable3DSupport>true</enable3DSupport>", 500)
    devices = _read(card).other
    assert isinstance(devices, tuple)
    assert dict(devices[0].traits) == {"enable3DSupport": "true", "numDisplays": "2"}
