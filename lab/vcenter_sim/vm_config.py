"""`config`, `capability` and `layoutEx` of a VM: what is configured, on or off.

Devices come from devices.py; what the running machine and its guest say comes from vm_state.py.
"""

from __future__ import annotations

import datetime
from typing import Any

from pyVmomi import vim

from lab.vcenter_sim.devices import all_devices, disk_file, disk_key
from lab.vcenter_sim.machine import Machine
from lab.vcenter_sim.neutral import make
from lab.worlds.spec import Tools

MIB = 1 << 20
CREATED = datetime.datetime(2022, 9, 20, 8, 15, tzinfo=datetime.UTC)


def config(machine: Machine) -> Any:
    """The whole ConfigInfo, or None while the VM's host does not answer."""
    if not machine.reachable:
        return None
    spec = machine.spec
    return make(
        vim.vm.ConfigInfo,
        name=spec.name,
        guestId=spec.guest.config_id,
        guestFullName=spec.guest.full_name,
        alternateGuestName="",
        version="vmx-19",
        uuid=machine.bios_uuid,
        instanceUuid=machine.instance_uuid,
        createDate=CREATED,
        modified=machine.modified,
        changeVersion=machine.change_version,
        annotation=machine.annotation,
        template=spec.template,
        managedBy=_managed_by(machine),
        files=_files(machine),
        tools=_tools(machine),
        flags=make(vim.vm.FlagInfo, diskUuidEnabled=dict(spec.extra_config).get("disk.EnableUUID") == "TRUE"),
        hardware=_hardware(machine),
        extraConfig=_extra(machine),
        **_processor(machine),
        **_firmware(machine),
    )


def _hardware(machine: Machine) -> Any:
    spec = machine.spec
    kind = vim.vm.VirtualHardware
    cores = 2 if spec.cpus % 2 == 0 else 1
    return make(kind, numCPU=spec.cpus, numCoresPerSocket=cores, memoryMB=spec.memory_mib, device=all_devices(machine))


def _processor(machine: Machine) -> dict[str, Any]:
    memory = machine.spec.memory_mib
    return {
        "cpuHotAddEnabled": machine.number % 4 == 0,
        "cpuHotRemoveEnabled": False,
        "memoryHotAddEnabled": machine.number % 4 == 0,
        "cpuAllocation": _allocation(1000 * machine.spec.cpus, "normal"),
        "memoryAllocation": _allocation(10 * memory, "normal"),
        "cpuAffinity": make(vim.vm.AffinityInfo, affinitySet=[]),
        "latencySensitivity": make(vim.LatencySensitivity, level="normal"),
        "nestedHVEnabled": False,
        "vPMCEnabled": False,
        "memoryReservationLockedToMax": False,
        "changeTrackingEnabled": False,
        "sevEnabled": False,
    }


def _allocation(shares: int, level: str) -> Any:
    return make(
        vim.ResourceAllocationInfo,
        reservation=0,
        limit=-1,
        expandableReservation=False,
        shares=make(vim.SharesInfo, shares=shares, level=level),
    )


def _firmware(machine: Machine) -> dict[str, Any]:
    spec = machine.spec
    options = make(
        vim.vm.BootOptions,
        bootDelay=0,
        enterBIOSSetup=False,
        efiSecureBootEnabled=spec.secure_boot,
        bootRetryEnabled=False,
        bootRetryDelay=10000,
    )
    return {"firmware": spec.firmware, "bootOptions": options}


def _managed_by(machine: Machine) -> Any:
    owner = machine.spec.managed_by
    return make(vim.ext.ManagedByInfo, extensionKey=owner, type="agent") if owner else None


def _files(machine: Machine) -> Any:
    home = machine.home
    path = f"{home}/{machine.spec.name}.vmx"
    return make(vim.vm.FileInfo, vmPathName=path, snapshotDirectory=home, suspendDirectory=home, logDirectory=home)


def _tools(machine: Machine) -> Any:
    installed = machine.spec.tools is not Tools.NOT_INSTALLED
    return make(
        vim.vm.ToolsConfigInfo,
        toolsVersion=12389 if installed else 0,
        toolsInstallType="guestToolsTypeMSI" if machine.spec.guest.family == "windowsGuest" else "guestToolsTypeOpenVMTools",
        afterPowerOn=True,
        beforeGuestShutdown=True,
        toolsUpgradePolicy="manual",
        syncTimeWithHost=False,
    )


def _extra(machine: Machine) -> list[Any]:
    pairs = {"svga.present": "TRUE", "vmware.tools.internalversion": "12389"} | dict(machine.spec.extra_config)
    return [make(vim.option.OptionValue, key=key, value=value) for key, value in sorted(pairs.items())]


def capability(machine: Machine) -> Any:
    """What may be done with the VM; leases and power are always possible here."""
    return make(
        vim.vm.Capability,
        changeTrackingSupported=True,
        snapshotOperationsSupported=True,
        multipleSnapshotsSupported=True,
        poweredOffSnapshotsSupported=True,
        secureBootSupported=machine.spec.firmware == "efi",
        nestedHVSupported=True,
    )


def layout(machine: Machine) -> Any:
    """The files of the VM with their sizes in bytes, and which belong to which disk."""
    files, layouts = [], []
    files.append(_file(0, f"{machine.home}/{machine.spec.name}.vmx", "config", 3 * 1024))
    for index, spec in enumerate(machine.spec.disks):
        key = 2 * index + 1
        path = disk_file(machine, index)
        used = (spec.fill_mib if spec.thin else spec.capacity_mib) * MIB
        files.append(_file(key, path, "diskDescriptor", 512))
        files.append(_file(key + 1, path.replace(".vmdk", "-flat.vmdk"), "diskExtent", used))
        chain = [make(vim.vm.FileLayoutEx.DiskUnit, fileKey=[key, key + 1])]
        layouts.append(make(vim.vm.FileLayoutEx.DiskLayout, key=disk_key(spec), chain=chain))
    kind = vim.vm.FileLayoutEx
    return make(kind, file=files, disk=layouts, timestamp=machine.modified)


def _file(key: int, name: str, kind: str, size_bytes: int) -> Any:
    shape = vim.vm.FileLayoutEx.FileInfo
    return make(shape, key=key, name=name, type=kind, size=size_bytes, uniqueSize=size_bytes, accessible=True)
