"""Properties of clusters, resource pools, distributed switches and port groups."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from lab.vcenter_sim.devices import dvs_uuid
from lab.vcenter_sim.host_shape import SOCKETS
from lab.vcenter_sim.neutral import make
from lab.worlds.spec import ClusterSpec, HostSpec, NetworkSpec

GIB = 1 << 30
MHZ = 2400
TRUNK_VLAN = 4095


def drs(spec: ClusterSpec) -> Any:
    """`configuration.drsConfig`."""
    return make(
        vim.cluster.DrsConfigInfo,
        enabled=spec.drs,
        defaultVmBehavior="fullyAutomated",
        vmotionRate=3,
        enableVmBehaviorOverrides=True,
    )


def ha(spec: ClusterSpec) -> Any:
    """`configuration.dasConfig`."""
    policy = make(
        vim.cluster.FailoverResourcesAdmissionControlPolicy, cpuFailoverResourcesPercent=50, memoryFailoverResourcesPercent=50
    )
    defaults = make(vim.cluster.DasVmSettings, restartPriority="medium", isolationResponse="powerOff")
    return make(
        vim.cluster.DasConfigInfo,
        enabled=spec.ha,
        hostMonitoring="enabled",
        vmMonitoring="vmMonitoringDisabled",
        admissionControlEnabled=spec.ha,
        admissionControlPolicy=policy,
        defaultVmSettings=defaults,
        failoverLevel=1,
    )


def configuration(spec: ClusterSpec) -> Any:
    """The older `configuration` property."""
    return make(vim.cluster.ConfigInfo, drsConfig=drs(spec), dasConfig=ha(spec))


def configuration_ex(spec: ClusterSpec, vms: dict[str, vim.VirtualMachine]) -> Any:
    """`configurationEx` with the anti-affinity rules of the world."""
    rules = [
        make(
            vim.cluster.AntiAffinityRuleSpec,
            key=number,
            name=f"keep-apart-{number}",
            enabled=True,
            mandatory=False,
            vm=[vms[name] for name in group],
        )
        for number, group in enumerate(spec.anti_affinity, start=1)
    ]
    dpm = make(vim.cluster.DpmConfigInfo, enabled=False, defaultDpmBehavior="manual", hostPowerActionRate=3)
    return make(vim.cluster.ConfigInfoEx, drsConfig=drs(spec), dasConfig=ha(spec), rule=rules, dpmConfigInfo=dpm)


def summary(hosts: list[HostSpec]) -> Any:
    """`summary`: totals over the hosts."""
    cores = sum(host.cores_per_socket * SOCKETS for host in hosts)
    memory = sum(host.memory_gib for host in hosts) * GIB
    return make(
        vim.ClusterComputeResource.Summary,
        totalCpu=cores * MHZ,
        totalMemory=memory,
        numCpuCores=cores,
        numCpuThreads=cores * 2,
        effectiveCpu=cores * MHZ * 9 // 10,
        effectiveMemory=memory // (1 << 20) * 9 // 10,
        numHosts=len(hosts),
        numEffectiveHosts=len(hosts),
        overallStatus="green",
        currentFailoverLevel=1,
        numVmotions=1207,
        currentEVCModeKey="intel-skylake",
    )


def pool_config(ref: vim.ResourcePool) -> Any:
    """`config` of a resource pool without limits."""
    share = make(vim.SharesInfo, shares=4000, level="normal")
    allocation = make(vim.ResourceAllocationInfo, reservation=0, limit=-1, expandableReservation=True, shares=share)
    return make(vim.ResourceConfigSpec, entity=ref, cpuAllocation=allocation, memoryAllocation=allocation)


def port_group_config(spec: NetworkSpec, key: str, dvs: vim.DistributedVirtualSwitch) -> Any:
    """`config` of a distributed port group; VLAN 4095 becomes a trunk of all ids."""
    shape = vim.dvs.VmwareDistributedVirtualSwitch
    if spec.vlan == TRUNK_VLAN:
        vlan = make(shape.TrunkVlanSpec, vlanId=[make(vim.NumericRange, start=0, end=4094)], inherited=False)
    else:
        vlan = make(shape.VlanIdSpec, vlanId=spec.vlan, inherited=False)
    no = make(vim.BoolPolicy, inherited=False, value=False)
    security = make(shape.SecurityPolicy, inherited=False, allowPromiscuous=no, macChanges=no, forgedTransmits=no)
    setting = make(shape.VmwarePortConfigPolicy, vlan=vlan, securityPolicy=security)
    return make(
        vim.dvs.DistributedVirtualPortgroup.ConfigInfo,
        key=key,
        name=spec.name,
        numPorts=128,
        distributedVirtualSwitch=dvs,
        defaultPortConfig=setting,
        type="earlyBinding",
        configVersion="1",
        autoExpand=True,
    )


def switch_config(name: str, groups: list[Any]) -> Any:
    """`config` of a distributed switch, in VMware's own subtype."""
    shape = vim.dvs.VmwareDistributedVirtualSwitch
    return make(
        shape.ConfigInfo,
        uuid=dvs_uuid(name),
        name=name,
        numPorts=512,
        numStandalonePorts=0,
        maxPorts=2147483647,
        configVersion="17",
        maxMtu=9000,
        portgroup=groups,
        uplinkPortPolicy=make(vim.DistributedVirtualSwitch.NameArrayUplinkPortPolicy, uplinkPortName=["Uplink 1", "Uplink 2"]),
        defaultPortConfig=make(shape.VmwarePortConfigPolicy),
        productInfo=make(vim.dvs.ProductSpec, name="DVS", vendor="VMware, Inc.", version="8.0.0"),
        linkDiscoveryProtocolConfig=make(vim.host.LinkDiscoveryProtocolConfig, protocol="lldp", operation="both"),
    )
