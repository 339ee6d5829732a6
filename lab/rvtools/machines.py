"""The sheets about machines: vInfo, vCPU, vMemory, vTools, and those about their disks, cards, volumes, snapshots and drives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyVmomi import vim

from lab.rvtools.sheet import CENTER, MIB, Columns, Row, SheetPlan, all_of, names, parts_of
from lab.vcenter_sim.center import Center

device = vim.vm.device
_ADAPTERS = {"VirtualVmxnet3": "Vmxnet3", "VirtualE1000": "E1000", "VirtualE1000e": "E1000e", "VirtualPCNet32": "Flexible"}
_CONTROLLERS = {
    "ParaVirtualSCSIController": "VMware paravirtual SCSI",
    "VirtualLsiLogicSASController": "LSI Logic SAS",
    "VirtualLsiLogicController": "LSI Logic",
    "VirtualAHCIController": "AHCI",
    "VirtualNVMEController": "NVME Controller",
}


def _config(row: Row) -> Any:
    return row.top("config")


def _runtime(row: Row) -> Any:
    return row.top("runtime")


def _guest(row: Row) -> Any:
    return row.top("guest")


def _stats(row: Row) -> Any:
    return row.top("summary").quickStats


def _cluster(row: Row) -> str:
    host = row.center.registry.find(_runtime(row).host._moId)
    return row.name_of(host.top("parent")) if host is not None else ""


def _folder(row: Row) -> str:
    """The folder below the datacenter's own; empty for a machine that lies in that one."""
    name = row.name_of(row.top("parent"))
    return "" if name == "vm" else name


def _pool_path(row: Row) -> str | None:
    pool = row.top("resourcePool")
    return None if pool is None else f"/{row.center.places.estate.datacenter}/{_cluster(row)}/{row.name_of(pool)}"


def _minus_one(limit: int | None) -> int:
    return -1 if limit is None else limit


HEAD: Columns = {
    "VM": lambda row: _config(row).name,
    "Powerstate": lambda row: _runtime(row).powerState,
    "Template": lambda row: _config(row).template,
    "SRM Placeholder": lambda _: False,
}
PLACE: Columns = {
    "Datacenter": lambda row: row.center.places.estate.datacenter,
    "Cluster": _cluster,
    "Host": lambda row: row.name_of(_runtime(row).host),
    "Folder": _folder,
    "OS according to the configuration file": lambda row: _config(row).guestFullName,
    "OS according to the VMware Tools": lambda row: _guest(row).guestFullName,
    "VM ID": lambda row: row.mob.moid,
    "VM UUID": lambda row: _config(row).instanceUuid,
    **CENTER,
}
TAIL: Columns = {"Annotation": lambda row: _config(row).annotation, **PLACE}
INFO: Columns = {
    **HEAD,
    "Config status": lambda row: row.top("configStatus"),
    "DNS Name": lambda row: _guest(row).hostName,
    "Connection state": lambda row: _runtime(row).connectionState,
    "Guest state": lambda row: _guest(row).guestState,
    "Heartbeat": lambda row: row.top("guestHeartbeatStatus"),
    "Consolidation Needed": lambda row: _runtime(row).consolidationNeeded,
    "PowerOn": lambda row: _runtime(row).bootTime,
    "Suspend time": lambda row: _runtime(row).suspendTime,
    "Creation date": lambda row: _config(row).createDate,
    "Change Version": lambda row: _config(row).changeVersion,
    "CPUs": lambda row: _config(row).hardware.numCPU,
    "Memory": lambda row: _config(row).hardware.memoryMB,
    "NICs": lambda row: len(_devices(row, device.VirtualEthernetCard)),
    "Disks": lambda row: len(_devices(row, device.VirtualDisk)),
    "min Required EVC Mode Key": lambda row: _runtime(row).minRequiredEVCModeKey,
    "Latency Sensitivity": lambda row: _config(row).latencySensitivity.level,
    "EnableUUID": lambda row: _config(row).flags.diskUuidEnabled,
    "CBT": lambda row: _config(row).changeTrackingEnabled,
    "Primary IP Address": lambda row: _guest(row).ipAddress,
    "Resource pool": _pool_path,
    "vApp": lambda _: None,
    "FT State": lambda row: _runtime(row).faultToleranceState,
    "In Use MiB": lambda row: row.top("summary").storage.committed // MIB,
    "EFI Secure boot": lambda row: _config(row).bootOptions.efiSecureBootEnabled,
    "Firmware": lambda row: _config(row).firmware,
    "HW version": lambda row: int(_config(row).version.removeprefix("vmx-")),
    "Path": lambda row: _config(row).files.vmPathName,
    "SMBIOS UUID": lambda row: _config(row).uuid,
    "VI SDK Server type": lambda _: "VirtualCenter",
    "VI SDK API Version": lambda _: "8.0.2.0",
    "Suspended To Memory": lambda row: bool(_runtime(row).suspendedToMemory),
    "Guest Detailed Data": lambda row: _guest(row).guestDetailedData,
}


def info_columns(center: Center) -> Columns:
    """vInfo's columns; the vCenter's own attributes stand between Annotation and Datacenter."""
    own = {name: _custom(401 + number) for number, name in enumerate(center.places.estate.custom_fields)}
    return {**INFO, "Annotation": TAIL["Annotation"], **own, **PLACE}


def _custom(key: int) -> Any:
    return lambda row: next((each.value for each in row.top("customValue") or () if each.key == key), None)


def _devices(row: Row, kind: type) -> list[Any]:
    return [each for each in _config(row).hardware.device if isinstance(each, kind)]


def _controller(row: Row) -> Any:
    return next(each for each in _config(row).hardware.device if each.key == row.part.controllerKey)


def _type_name(value: Any) -> str:
    return str(type(value).__name__.rpartition(".")[2])


def _is_raw(row: Row) -> bool:
    return isinstance(row.part.backing, device.VirtualDisk.RawDiskMappingVer1BackingInfo)


DISK: Columns = {
    **HEAD,
    "Disk": lambda row: row.part.deviceInfo.label,
    "Disk Key": lambda row: row.part.key,
    "Disk UUID": lambda row: row.part.backing.uuid,
    "Disk Path": lambda row: row.part.backing.fileName,
    "Capacity MiB": lambda row: row.part.capacityInBytes // MIB,
    "Raw": _is_raw,
    "Disk Mode": lambda row: row.part.backing.diskMode,
    "Sharing mode": lambda row: row.part.backing.sharing,
    "Thin": lambda row: None if _is_raw(row) else bool(row.part.backing.thinProvisioned),
    "Level": lambda row: row.part.shares.level,
    "Controller": lambda row: _CONTROLLERS[_type_name(_controller(row))],
    "Label": lambda row: _controller(row).deviceInfo.label,
    "Unit #": lambda row: row.part.unitNumber,
    "Shared Bus": lambda row: getattr(_controller(row), "sharedBus", None) or "noSharing",
    "Raw Comp. Mode": lambda row: row.part.backing.compatibilityMode if _is_raw(row) else None,
    **TAIL,
}


def _network(row: Row) -> str:
    backing = row.part.backing
    if isinstance(backing, device.VirtualEthernetCard.DistributedVirtualPortBackingInfo):
        return row.name_of(vim.Network(backing.port.portgroupKey))
    return str(backing.deviceName)


def _switch(row: Row) -> str:
    """The switch of the card's port group; a standard group's is its host's."""
    spec = next(each for each in row.center.places.estate.networks if each.name == _network(row))
    return spec.dvs or "vSwitch0"


def _addresses(row: Row, mark: str) -> str:
    told = (each.ipAddress for each in _guest(row).net or () if each.deviceConfigId == row.part.key)
    return names(address for addresses in told for address in addresses if mark in address)


CARD: Columns = {
    **HEAD,
    "NIC label": lambda row: row.part.deviceInfo.label,
    "Adapter": lambda row: _ADAPTERS[_type_name(row.part)],
    "Network": _network,
    "Switch": _switch,
    "Connected": lambda row: row.part.connectable.connected,
    "Starts Connected": lambda row: row.part.connectable.startConnected,
    "Mac Address": lambda row: row.part.macAddress,
    "Type": lambda row: row.part.addressType,
    "IPv4 Address": lambda row: _addresses(row, "."),
    "IPv6 Address": lambda row: _addresses(row, ":"),
    "Direct Path IO": lambda row: bool(row.part.uptCompatibilityEnabled),
    **TAIL,
}
VOLUME: Columns = {
    **HEAD,
    "Disk": lambda row: row.part.diskPath,
    "Capacity MiB": lambda row: row.part.capacity // MIB,
    "Free MiB": lambda row: row.part.freeSpace // MIB,
    **TAIL,
}
SNAPSHOT: Columns = {
    **{header: HEAD[header] for header in ("VM", "Powerstate")},
    "Name": lambda row: row.part.name,
    "Description": lambda row: row.part.description,
    "Date / time": lambda row: row.part.createTime,
    "Filename": lambda row: f"{row.center.places.machines[row.mob.moid].home}/{_config(row).name}-Snapshot{row.part.id}.vmsn",
    "Quiesced": lambda row: row.part.quiesced,
    "State": lambda row: "PoweredOn" if row.part.state == "poweredOn" else "PoweredOff",
    **TAIL,
}
DRIVE: Columns = {
    **HEAD,
    "Device Node": lambda row: row.part.deviceInfo.label,
    "Connected": lambda row: bool(row.part.connectable.connected),
    "Starts Connected": lambda row: bool(row.part.connectable.startConnected),
    "Device Type": lambda row: row.part.deviceInfo.summary,
    **TAIL,
}


def _allocated(part: str) -> Columns:
    return {
        "Level": lambda row: getattr(_config(row), part).shares.level,
        "Reservation": lambda row: getattr(_config(row), part).reservation,
        "Limit": lambda row: _minus_one(getattr(_config(row), part).limit),
    }


CPU: Columns = {
    **HEAD,
    "CPUs": lambda row: _config(row).hardware.numCPU,
    "Cores p/s": lambda row: _config(row).hardware.numCoresPerSocket,
    **_allocated("cpuAllocation"),
    "Hot Add": lambda row: _config(row).cpuHotAddEnabled,
    "Hot Remove": lambda row: _config(row).cpuHotRemoveEnabled,
    **TAIL,
}
MEMORY: Columns = {
    **HEAD,
    "Size MiB": lambda row: _config(row).hardware.memoryMB,
    "Swapped": lambda row: _stats(row).swappedMemory,
    "Memory Reservation Locked To Max": lambda row: _config(row).memoryReservationLockedToMax,
    "Ballooned": lambda row: _stats(row).balloonedMemory,
    "Active": lambda row: _stats(row).guestMemoryUsage,
    **_allocated("memoryAllocation"),
    "Hot Add": lambda row: _config(row).memoryHotAddEnabled,
    **TAIL,
}
TOOLS: Columns = {
    **HEAD,
    "VM Version": lambda row: int(_config(row).version.removeprefix("vmx-")),
    "Tools": lambda row: _guest(row).toolsStatus,
    "Tools Version": lambda row: _guest(row).toolsVersion,
    "Upgrade Policy": lambda row: _config(row).tools.toolsUpgradePolicy,
    "Sync time": lambda row: _config(row).tools.syncTimeWithHost,
    "Operation Ready": lambda row: _guest(row).guestOperationsReady,
    "State change support": lambda row: _guest(row).guestStateChangeSupported,
    **TAIL,
}


def _snapshots(row: Row) -> Iterator[Any]:
    tree = row.top("snapshot")
    return _nodes(tree.rootSnapshotList) if tree is not None else iter(())


def _nodes(tree: Any) -> Iterator[Any]:
    for node in tree or ():
        yield node
        yield from _nodes(node.childSnapshotList)


def sheets(center: Center) -> list[SheetPlan]:
    """The sheets about machines, in RVTools' order."""
    vms, machine = all_of(vim.VirtualMachine), vim.VirtualMachine
    return [
        SheetPlan("vInfo", info_columns(center), vms),
        SheetPlan("vCPU", CPU, vms),
        SheetPlan("vMemory", MEMORY, vms),
        SheetPlan("vDisk", DISK, parts_of(machine, lambda row: _devices(row, device.VirtualDisk))),
        SheetPlan("vPartition", VOLUME, parts_of(machine, lambda row: _guest(row).disk or ())),
        SheetPlan("vNetwork", CARD, parts_of(machine, lambda row: _devices(row, device.VirtualEthernetCard))),
        SheetPlan("vCD", DRIVE, parts_of(machine, lambda row: _devices(row, device.VirtualCdrom))),
        SheetPlan("vSnapshot", SNAPSHOT, parts_of(machine, _snapshots)),
        SheetPlan("vTools", TOOLS, vms),
    ]
