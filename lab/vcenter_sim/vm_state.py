"""`runtime`, `guest`, `summary` and `snapshot` of a VM: what runs, and what VMware Tools say.

Configuration is vm_config.py's. Numbers that nobody set (statistics) come from the VM's own seed.
"""

from __future__ import annotations

import datetime
from typing import Any

from pyVmomi import vim

from lab.vcenter_sim.machine import Machine, SnapshotNode
from lab.vcenter_sim.neutral import make
from lab.worlds.spec import Tools

MIB, GIB = 1 << 20, 1 << 30


def runtime(machine: Machine) -> Any:
    """The RuntimeInfo with power, connection and boot time."""
    return make(
        vim.vm.RuntimeInfo,
        host=machine.host,
        connectionState="connected" if machine.reachable else "disconnected",
        powerState=power_state(machine),
        bootTime=machine.boot_time,
        suspendTime=machine.suspend_time,
        faultToleranceState="notConfigured",
        toolsInstallerMounted=False,
        consolidationNeeded=False,
        maxCpuUsage=machine.spec.cpus * 2400,
        maxMemoryUsage=machine.spec.memory_mib,
        numMksConnections=0,
        recordReplayState="inactive",
        onlineStandby=False,
        cleanPowerOff=True if power_state(machine) == "poweredOff" else None,
        minRequiredEVCModeKey="intel-skylake" if machine.powered_on else None,
    )


def power_state(machine: Machine) -> str:
    """`poweredOn`, `poweredOff` or `suspended`."""
    if machine.suspended:
        return "suspended"
    return "poweredOn" if machine.powered_on else "poweredOff"


def guest(machine: Machine) -> Any:
    """The GuestInfo; most of it is there only while Tools run, some of it is remembered."""
    spec, running = machine.spec, machine.tools_running
    known = spec.tools is not Tools.NOT_INSTALLED
    status = "guestToolsRunning" if running else "guestToolsNotRunning"
    return make(
        vim.vm.GuestInfo,
        toolsStatus=("toolsOk" if running else "toolsNotRunning") if known else "toolsNotInstalled",
        toolsRunningStatus=status,
        toolsVersionStatus2="guestToolsCurrent" if known else "guestToolsNotInstalled",
        toolsVersionStatus="guestToolsCurrent" if known else "guestToolsNotInstalled",
        toolsVersion="12389" if known else "0",
        guestId=(spec.guest.tools_id or spec.guest.config_id) if known else None,
        guestFamily=spec.guest.family if known else None,
        guestFullName=spec.guest.full_name if known else None,
        hostName=spec.guest.host_name or None if known else None,
        ipAddress=_first_ip(machine),
        net=_net(machine),
        ipStack=_ip_stack(machine),
        disk=_guest_disks(machine),
        screen=make(vim.vm.GuestInfo.ScreenInfo, width=1024, height=768),
        guestState="running" if running else "notRunning",
        guestOperationsReady=running,
        guestStateChangeSupported=running,
        interactiveGuestOperationsReady=False,
        guestDetailedData=_detailed(machine) if known else None,
    )


def _first_ip(machine: Machine) -> str | None:
    return next((nic.ip for nic in machine.spec.nics if nic.ip), None) if machine.tools_running else None


def _net(machine: Machine) -> list[Any]:
    if not machine.tools_running:
        return []
    kind, address = vim.vm.GuestInfo.NicInfo, vim.net.IpConfigInfo.IpAddress
    return [
        make(
            kind,
            network=nic.network,
            macAddress=nic.mac,
            connected=True,
            deviceConfigId=4000 + number,
            ipAddress=[nic.ip] if nic.ip else [],
            ipConfig=make(
                vim.net.IpConfigInfo,
                ipAddress=[make(address, ipAddress=nic.ip, prefixLength=24, origin="manual", state="preferred")]
                if nic.ip
                else [],
            ),
        )
        for number, nic in enumerate(machine.spec.nics)
    ]


def _ip_stack(machine: Machine) -> list[Any]:
    address = _first_ip(machine)
    if address is None:
        return []
    gateway = make(vim.net.IpRouteConfigInfo.Gateway, ipAddress=address.rpartition(".")[0] + ".1", device="0")
    route = make(vim.net.IpRouteConfigInfo.IpRoute, network="0.0.0.0", prefixLength=0, gateway=gateway)
    dns = make(
        vim.net.DnsConfigInfo,
        dhcp=False,
        hostName=machine.spec.guest.host_name.partition(".")[0],
        domainName=machine.spec.guest.host_name.partition(".")[2],
        ipAddress=["10.20.0.53", "10.20.0.54"],
        searchDomain=["corp.example"],
    )
    stack = vim.vm.GuestInfo.StackInfo
    return [make(stack, dnsConfig=dns, ipRouteConfig=make(vim.net.IpRouteConfigInfo, ipRoute=[route]))]


def _guest_disks(machine: Machine) -> list[Any]:
    """Volumes as Tools tell them. The lab's disks are miniatures, a MiB for a GiB: a guest speaks of the real size."""
    if not machine.tools_running:
        return []
    windows = machine.spec.guest.family == "windowsGuest"
    made = []
    for index, spec in enumerate(machine.spec.disks):
        path = f"{chr(ord('C') + index)}:\\" if windows else ("/" if index == 0 else f"/data{index}")
        size = spec.capacity_mib * GIB
        free = max(0, spec.capacity_mib - spec.fill_mib) * GIB
        made.append(
            make(
                vim.vm.GuestInfo.DiskInfo,
                diskPath=path,
                capacity=size,
                freeSpace=free,
                filesystemType="NTFS" if windows else "ext4",
            )
        )
    return made


def _detailed(machine: Machine) -> str:
    guest_spec = machine.spec.guest
    family = "Windows" if guest_spec.family == "windowsGuest" else "Linux"
    return f"architecture='X86' bitness='64' familyName='{family}' prettyName='{guest_spec.full_name}'"


def summary(machine: Machine) -> Any:
    """The summary with storage totals and quick statistics."""
    used = sum((d.fill_mib if d.thin else d.capacity_mib) for d in machine.spec.disks) * MIB
    total = sum(d.capacity_mib for d in machine.spec.disks) * MIB
    storage = vim.vm.Summary.StorageSummary
    return make(
        vim.vm.Summary,
        vm=machine.ref,
        runtime=runtime(machine),
        guest=_guest_summary(machine),
        config=_config_summary(machine),
        storage=make(storage, committed=used, uncommitted=total - used, unshared=used, timestamp=machine.modified),
        quickStats=quick_stats(machine),
        overallStatus="green",
    )


def _guest_summary(machine: Machine) -> Any:
    whole = guest(machine)
    names = ("toolsStatus", "toolsRunningStatus", "toolsVersionStatus2", "guestId", "guestFullName", "hostName", "ipAddress")
    return make(vim.vm.Summary.GuestSummary, **{name: getattr(whole, name) for name in names})


def _config_summary(machine: Machine) -> Any:
    spec = machine.spec
    return make(
        vim.vm.Summary.ConfigSummary,
        name=spec.name,
        template=spec.template,
        vmPathName=f"{machine.home}/{spec.name}.vmx",
        memorySizeMB=spec.memory_mib,
        numCpu=spec.cpus,
        numEthernetCards=len(spec.nics),
        numVirtualDisks=len(spec.disks),
        uuid=machine.bios_uuid,
        instanceUuid=machine.instance_uuid,
        guestId=spec.guest.config_id,
        guestFullName=spec.guest.full_name,
        annotation=machine.annotation,
    )


def quick_stats(machine: Machine) -> Any:
    """Plausible load of a running VM, all zero when it is off."""
    chance = machine.chance()
    busy = 1 if machine.powered_on else 0
    memory = machine.spec.memory_mib
    return make(
        vim.vm.Summary.QuickStats,
        overallCpuUsage=busy * chance.randrange(40, 900),
        overallCpuDemand=busy * chance.randrange(40, 900),
        guestMemoryUsage=busy * chance.randrange(memory // 16, memory // 2),
        hostMemoryUsage=busy * chance.randrange(memory // 2, memory),
        guestHeartbeatStatus="green" if machine.tools_running else "gray",
        balloonedMemory=0,
        swappedMemory=0,
        uptimeSeconds=busy * chance.randrange(3600, 9_000_000),
    )


def snapshot_info(machine: Machine) -> Any:
    """The snapshot tree, None without snapshots."""
    current = machine.current_snapshot()
    if current is None:
        return None
    ref = vim.vm.Snapshot(current.moid)
    return make(vim.vm.SnapshotInfo, currentSnapshot=ref, rootSnapshotList=_tree(machine, ""))


def _tree(machine: Machine, parent: str) -> list[Any]:
    return [_node(machine, node) for node in machine.snapshots if node.parent == parent]


def _node(machine: Machine, node: SnapshotNode) -> Any:
    return make(
        vim.vm.SnapshotTree,
        snapshot=vim.vm.Snapshot(node.moid),
        vm=machine.ref,
        name=node.name,
        description=node.description,
        id=node.number,
        createTime=node.created,
        state=node.power_state,
        quiesced=node.quiesced,
        replaySupported=False,
        childSnapshotList=_tree(machine, node.moid),
    )


def first_boot(machine: Machine, today: datetime.datetime) -> datetime.datetime:
    """When a VM that is on at the start of the lab was booted: one day to half a year before `today`."""
    return today - datetime.timedelta(hours=machine.chance().randrange(24, 4000))
