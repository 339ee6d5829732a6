"""`config.hardware.device` of a VM: controllers, disks, network cards and what every VM carries besides.

Keys follow VMware's numbering (controllers 1000, disks 2000, cards 4000). Disk contents are lab.disks' business.
"""

from __future__ import annotations

import uuid
from typing import Any

from pyVmomi import vim

from lab.vcenter_sim.machine import Machine
from lab.vcenter_sim.neutral import make
from lab.worlds.spec import DiskSpec, NicSpec

device = vim.vm.device
KIB_PER_MIB = 1024

# bus word of a world -> device type, first key, label, name in export keys
CONTROLLERS: dict[str, tuple[Any, int, str, str]] = {
    "pvscsi": (device.ParaVirtualSCSIController, 1000, "SCSI controller", "ParaVirtualSCSIController"),
    "lsilogic": (device.VirtualLsiLogicController, 1000, "SCSI controller", "VirtualLsiLogicController"),
    "lsisas": (device.VirtualLsiLogicSASController, 1000, "SCSI controller", "VirtualLsiLogicSASController"),
    "sata": (device.VirtualAHCIController, 15000, "SATA controller", "VirtualAHCIController"),
    "nvme": (device.VirtualNVMEController, 31000, "NVME controller", "VirtualNVMEController"),
}
DISK_KEYS = {"sata": (16000, 32), "nvme": (32000, 32)}
"""First key of a family's disks and how many a controller of it may have; SCSI disks begin at 2000, 16 each."""


def all_devices(machine: Machine) -> list[Any]:
    """Every virtual device, in the order vCenter lists them."""
    return [*_fixed(), *controllers(machine), *_cdrom(), *disks(machine), *cards(machine), *_tpm(machine)]


def disk_key(spec: DiskSpec) -> int:
    """`key` of the device for a disk: each family of controllers has numbers of its own."""
    first, units = DISK_KEYS.get(spec.bus, (2000, 16))
    return first + spec.bus_number * units + spec.unit


def export_key(machine: Machine, spec: DiskSpec) -> str:
    """`HttpNfcLeaseDeviceUrl.key`: ends in controller type, bus and unit."""
    return f"/{machine.moid}/{CONTROLLERS[spec.bus][3]}{spec.bus_number}:{spec.unit}"


def disk_file(machine: Machine, index: int) -> str:
    """Datastore path of disk `index`; with snapshots, of its newest delta."""
    spec = machine.spec.disks[index]
    stem = machine.spec.name if index == 0 else f"{machine.spec.name}_{index}"
    delta = f"-{len(machine.snapshots):06d}" if machine.snapshots and spec.mode == "persistent" else ""
    return f"[{spec.datastore}] {machine.spec.name}/{stem}{delta}.vmdk"


def base_file(machine: Machine, index: int) -> str:
    """Datastore path of the disk's own descriptor, below all snapshots."""
    spec = machine.spec.disks[index]
    stem = machine.spec.name if index == 0 else f"{machine.spec.name}_{index}"
    return f"[{spec.datastore}] {machine.spec.name}/{stem}.vmdk"


def _fixed() -> list[Any]:
    return [
        make(device.VirtualIDEController, key=200, deviceInfo=_label("IDE 0"), busNumber=0),
        make(device.VirtualPS2Controller, key=300, deviceInfo=_label("PS2 controller 0"), busNumber=0),
        make(device.VirtualPCIController, key=100, deviceInfo=_label("PCI controller 0"), busNumber=0),
        make(device.VirtualSIOController, key=400, deviceInfo=_label("SIO controller 0"), busNumber=0),
        make(device.VirtualKeyboard, key=600, deviceInfo=_label("Keyboard"), controllerKey=300, unitNumber=0),
        make(device.VirtualPointingDevice, key=700, deviceInfo=_label("Pointing device"), controllerKey=300, unitNumber=1),
        make(device.VirtualVideoCard, key=500, deviceInfo=_label("Video card"), controllerKey=100, videoRamSizeInKB=8192),
        make(device.VirtualVMCIDevice, key=12000, deviceInfo=_label("VMCI device"), controllerKey=100, unitNumber=17),
    ]


def controllers(machine: Machine) -> list[Any]:
    """The storage controllers the VM's disks hang on, each once."""
    made: dict[int, Any] = {}
    for spec in machine.spec.disks:
        kind, first_key, label, _ = CONTROLLERS[spec.bus]
        key = first_key + spec.bus_number
        values = {"key": key, "deviceInfo": _label(f"{label} {spec.bus_number}"), "controllerKey": 100}
        if issubclass(kind, device.VirtualSCSIController):
            values |= {"sharedBus": machine.spec.shared_bus, "scsiCtlrUnitNumber": 7, "hotAddRemove": True}
        units = [disk_key(disk) for disk in machine.spec.disks if (disk.bus, disk.bus_number) == (spec.bus, spec.bus_number)]
        made.setdefault(key, make(kind, busNumber=spec.bus_number, device=units, **values))
    return list(made.values())


def disks(machine: Machine) -> list[Any]:
    """The virtual disks with their backings."""
    made = []
    for index, spec in enumerate(machine.spec.disks):
        capacity_kib = spec.capacity_mib * KIB_PER_MIB
        made.append(
            make(
                device.VirtualDisk,
                key=disk_key(spec),
                deviceInfo=_label(f"Hard disk {index + 1}", f"{capacity_kib:,} KB"),
                controllerKey=CONTROLLERS[spec.bus][1] + spec.bus_number,
                unitNumber=spec.unit,
                capacityInKB=capacity_kib,
                capacityInBytes=capacity_kib * 1024,
                shares=make(vim.SharesInfo, shares=1000, level="normal"),
                diskObjectId=f"{machine.number}-{disk_key(spec)}",
                backing=_backing(machine, index),
            )
        )
    return made


def _backing(machine: Machine, index: int) -> Any:
    spec = machine.spec.disks[index]
    common = {
        "fileName": disk_file(machine, index),
        "datastore": machine.datastores[spec.datastore],
        "backingObjectId": "",
        "diskMode": spec.mode,
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{machine.instance_uuid}:{index}")),
        "sharing": spec.sharing,
    }
    if spec.rdm:
        lun = uuid.uuid5(uuid.NAMESPACE_OID, f"lun:{machine.instance_uuid}:{index}").hex
        naa = f"naa.6000{lun[:28]}"
        kind = device.VirtualDisk.RawDiskMappingVer1BackingInfo
        return make(kind, **common, compatibilityMode=spec.rdm, lunUuid=f"0200000000{lun}", deviceName=f"vml.{naa}")
    kind = device.VirtualDisk.FlatVer2BackingInfo
    own = {"thinProvisioned": spec.thin, "writeThrough": False, "split": False, "contentId": f"{machine.number:032x}"}
    return make(kind, **common, **own, parent=_base(machine, index, common))


def _base(machine: Machine, index: int, child: dict[str, Any]) -> Any:
    spec = machine.spec.disks[index]
    if not machine.snapshots or spec.mode != "persistent":
        return None
    path = base_file(machine, index)
    return make(device.VirtualDisk.FlatVer2BackingInfo, **(child | {"fileName": path}), thinProvisioned=spec.thin)


def cards(machine: Machine) -> list[Any]:
    """The network cards; key 4000 and up in the order of the world."""
    return [_card(machine, 4000 + number, nic) for number, nic in enumerate(machine.spec.nics)]


def _card(machine: Machine, key: int, nic: NicSpec) -> Any:
    starts = machine.starts_connected.get(key, True)
    return make(
        getattr(device, nic.adapter),
        key=key,
        deviceInfo=_label(f"Network adapter {key - 3999}", nic.network),
        controllerKey=100,
        unitNumber=7 + key - 4000,
        macAddress=nic.mac,
        addressType=nic.address_type,
        wakeOnLanEnabled=True,
        uptCompatibilityEnabled=nic.adapter == "VirtualVmxnet3" or None,
        backing=_card_backing(machine, nic),
        connectable=make(
            device.VirtualDevice.ConnectInfo,
            startConnected=starts,
            allowGuestControl=True,
            connected=machine.powered_on and starts,
            status="ok" if machine.powered_on else "untried",
        ),
    )


def _card_backing(machine: Machine, nic: NicSpec) -> Any:
    network = machine.networks[nic.network]
    if isinstance(network, vim.dvs.DistributedVirtualPortgroup):
        spec = next(one for one in machine.estate.networks if one.name == nic.network)
        port = make(
            vim.dvs.PortConnection, switchUuid=dvs_uuid(spec.dvs), portgroupKey=network._moId, portKey=str(machine.number)
        )
        return make(device.VirtualEthernetCard.DistributedVirtualPortBackingInfo, port=port)
    kind = device.VirtualEthernetCard.NetworkBackingInfo
    return make(kind, deviceName=nic.network, network=network, useAutoDetect=False)


def dvs_uuid(name: str) -> str:
    """The switch UUID in VMware's spelling, `50 0b .. ..-..`."""
    digits = uuid.uuid5(uuid.NAMESPACE_OID, f"dvs:{name}").hex
    pairs = [digits[i : i + 2] for i in range(0, 32, 2)]
    return " ".join(pairs[:8]) + "-" + " ".join(pairs[8:])


def _cdrom() -> list[Any]:
    return [
        make(
            device.VirtualCdrom,
            key=3000,
            deviceInfo=_label("CD/DVD drive 1", "Remote device"),
            controllerKey=200,
            unitNumber=0,
            backing=make(device.VirtualCdrom.RemotePassthroughBackingInfo, deviceName="", exclusive=False),
            connectable=make(device.VirtualDevice.ConnectInfo, allowGuestControl=True, status="untried"),
        )
    ]


def _tpm(machine: Machine) -> list[Any]:
    wanted = ("lab.vtpm", "TRUE") in machine.spec.extra_config
    return [make(device.VirtualTPM, key=11000, deviceInfo=_label("Virtual TPM"))] if wanted else []


def _label(label: str, summary: str = "") -> Any:
    return make(vim.Description, label=label, summary=summary or label)
