"""Properties of ESXi hosts: hardware, product, switches, adapters, certificate.

All hosts of a cluster are alike but for names, addresses and serial numbers. What runs on them is found in places.py.
"""

from __future__ import annotations

import datetime
from typing import Any

from pyVmomi import vim

from lab.vcenter_sim.devices import dvs_uuid
from lab.vcenter_sim.neutral import make
from lab.vcenter_sim.storage_shape import host_storage
from lab.worlds.spec import EstateSpec, HostSpec

GIB = 1 << 30
CPU_HZ = 2_400_000_000
SOCKETS = 2
BOOTED = datetime.datetime(2026, 9, 3, 21, 10, tzinfo=datetime.UTC)
CPU_MODEL = "Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz"
BUILD = "22380479"


def product() -> Any:
    """`summary.config.product` of every host."""
    return make(
        vim.AboutInfo,
        name="VMware ESXi",
        fullName=f"VMware ESXi 8.0.2 build-{BUILD}",
        vendor="VMware, Inc.",
        version="8.0.2",
        build=BUILD,
        osType="vmnix-x86",
        productLineId="embeddedEsx",
        apiType="HostAgent",
        apiVersion="8.0.2.0",
        licenseProductName="VMware ESX Server",
        licenseProductVersion="8.0",
    )


def hardware(host: HostSpec, number: int) -> Any:
    """`hardware`: system, CPUs, memory, BIOS."""
    cores = host.cores_per_socket * SOCKETS
    system = make(
        vim.host.SystemInfo, vendor="Dell Inc.", model="PowerEdge R650", uuid=_host_uuid(number), serialNumber=f"LAB{number:04d}"
    )
    package = vim.host.CpuPackage
    packages = [
        make(package, index=i, vendor="intel", hz=CPU_HZ, busHz=100_000_000, description=CPU_MODEL, threadId=[i])
        for i in range(SOCKETS)
    ]
    return make(
        vim.host.HardwareInfo,
        systemInfo=system,
        cpuInfo=make(vim.host.CpuInfo, numCpuPackages=SOCKETS, numCpuCores=cores, numCpuThreads=cores * 2, hz=CPU_HZ),
        cpuPkg=packages,
        memorySize=host.memory_gib * GIB,
        biosInfo=make(
            vim.host.BIOSInfo,
            biosVersion="1.11.2",
            vendor="Dell Inc.",
            releaseDate=datetime.datetime(2024, 1, 9, tzinfo=datetime.UTC),
        ),
        pciDevice=[_nic_pci(port) for port in range(4)],
    )


def _host_uuid(number: int) -> str:
    return f"4c4c4544-0036-4c10-8031-{number:012x}"


def _nic_pci(port: int) -> Any:
    return make(
        vim.host.PciDevice,
        id=f"0000:31:00.{port}",
        classId=0x200,
        bus=0x31,
        slot=0,
        function=port,
        vendorId=-32634,
        deviceId=0x1572,
        subVendorId=0x1028,
        subDeviceId=0x1F99,
        vendorName="Intel Corporation",
        deviceName="Ethernet Controller X710 for 10GbE SFP+",
    )


def summary(host: HostSpec, number: int, ref: vim.HostSystem, thumbprint: str) -> Any:
    """`summary` with the SHA-1 thumbprint of the certificate the host shows now."""
    cores = host.cores_per_socket * SOCKETS
    shape = vim.host.Summary
    return make(
        shape,
        host=ref,
        hardware=make(
            shape.HardwareSummary,
            vendor="Dell Inc.",
            model="PowerEdge R650",
            uuid=_host_uuid(number),
            memorySize=host.memory_gib * GIB,
            cpuModel=CPU_MODEL,
            cpuMhz=CPU_HZ // 1_000_000,
            numCpuPkgs=SOCKETS,
            numCpuCores=cores,
            numCpuThreads=cores * 2,
            numNics=4,
            numHBAs=2,
        ),
        runtime=runtime(),
        config=make(
            shape.ConfigSummary,
            name=host.name,
            port=443,
            sslThumbprint=thumbprint,
            product=product(),
            vmotionEnabled=True,
            faultToleranceEnabled=False,
        ),
        quickStats=make(
            shape.QuickStats,
            overallCpuUsage=1800 + 37 * number,
            overallMemoryUsage=host.memory_gib * 512,
            uptime=4_000_000,
        ),
        overallStatus="green",
        rebootRequired=False,
        managementServerIp="10.20.0.5",
        maxEVCModeKey="intel-icelake",
        currentEVCModeKey="intel-skylake",
    )


def runtime() -> Any:
    """Every host of the lab is on, connected and in service."""
    return make(
        vim.host.RuntimeInfo,
        connectionState="connected",
        powerState="poweredOn",
        inMaintenanceMode=False,
        inQuarantineMode=False,
        bootTime=BOOTED,
    )


def config(host: HostSpec, number: int, estate: EstateSpec, certificate_pem: bytes) -> Any:
    """The parts of `config` an inventory asks for."""
    return make(
        vim.host.ConfigInfo,
        host=vim.HostSystem("none"),
        product=product(),
        network=_network(host, number, estate),
        virtualNicManagerInfo=make(vim.host.VirtualNicManagerInfo, netConfig=_vnic_services()),
        storageDevice=host_storage(number),
        dateTimeInfo=_clock(),
        certificate=list(certificate_pem),
    )


def _clock() -> Any:
    zone = make(vim.host.DateTimeSystem.TimeZone, key="UTC", name="UTC", description="UTC", gmtOffset=0)
    ntp = make(vim.host.NtpConfig, server=["10.20.0.53", "10.20.0.54"])
    return make(vim.host.DateTimeInfo, timeZone=zone, ntpConfig=ntp)


def _network(host: HostSpec, number: int, estate: EstateSpec) -> Any:
    standard = [
        network for network in estate.networks if not network.dvs and (not network.clusters or host.cluster in network.clusters)
    ]
    groups = [_port_group(network.name, network.vlan) for network in standard]
    groups.insert(0, _port_group("Management Network", 20))
    uplinks = ["key-vim.host.PhysicalNic-vmnic0", "key-vim.host.PhysicalNic-vmnic1"]
    bridge = make(vim.host.VirtualSwitch.BondBridge, nicDevice=["vmnic0", "vmnic1"])
    switch_spec = make(vim.host.VirtualSwitch.Specification, numPorts=1536, mtu=1500, bridge=bridge, policy=_policy())
    switch = make(
        vim.host.VirtualSwitch,
        name="vSwitch0",
        key="key-vim.host.VirtualSwitch-vSwitch0",
        numPorts=1536,
        numPortsAvailable=1500,
        mtu=1500,
        pnic=uplinks,
        portgroup=[group.key for group in groups],
        spec=switch_spec,
    )
    return make(
        vim.host.NetworkInfo,
        pnic=[_pnic(number, port) for port in range(4)],
        vswitch=[switch],
        proxySwitch=[_proxy_switch(name) for name in estate.dvs_names],
        portgroup=groups,
        vnic=[_vmkernel(host, number)],
        dnsConfig=make(
            vim.host.DnsConfig,
            hostName=host.name.partition(".")[0],
            domainName=host.name.partition(".")[2],
            address=["10.20.0.53", "10.20.0.54"],
        ),
    )


def licensable() -> Any:
    """`licensableResource`: what a licence per processor counts, as ESXi wraps it."""
    kind = vim.HostSystem._GetPropertyInfo("licensableResource").type
    pair = make(vim.KeyValue, key="numCpuPackages", value=str(SOCKETS))
    return make(kind, resource=[make(vim.KeyAnyValue, key=pair.key, value=pair)])


def _pnic(number: int, port: int) -> Any:
    speed = make(vim.host.PhysicalNic.LinkSpeedDuplex, speedMb=10000, duplex=True)
    return make(
        vim.host.PhysicalNic,
        key=f"key-vim.host.PhysicalNic-vmnic{port}",
        device=f"vmnic{port}",
        pci=f"0000:31:00.{port}",
        driver="i40en",
        mac=f"24:6e:96:00:{number:02x}:{port:02x}",
        linkSpeed=speed,
        wakeOnLanSupported=False,
        spec=make(vim.host.PhysicalNic.Specification),
    )


def _policy() -> Any:
    security = make(vim.host.NetworkPolicy.SecurityPolicy, allowPromiscuous=False, macChanges=False, forgedTransmits=False)
    return make(vim.host.NetworkPolicy, security=security)


def _port_group(name: str, vlan: int) -> Any:
    spec = make(vim.host.PortGroup.Specification, name=name, vlanId=vlan, vswitchName="vSwitch0", policy=_policy())
    key = f"key-vim.host.PortGroup-{name}"
    switch = "key-vim.host.VirtualSwitch-vSwitch0"
    return make(vim.host.PortGroup, key=key, vswitch=switch, spec=spec, computedPolicy=_policy())


def _proxy_switch(name: str) -> Any:
    return make(
        vim.host.HostProxySwitch,
        key=f"DvsPortset-{name}",
        dvsName=name,
        dvsUuid=dvs_uuid(name),
        numPorts=2560,
        numPortsAvailable=2500,
        mtu=9000,
        pnic=["key-vim.host.PhysicalNic-vmnic2", "key-vim.host.PhysicalNic-vmnic3"],
        spec=make(vim.host.HostProxySwitch.Specification),
    )


def _vmkernel(host: HostSpec, number: int) -> Any:
    ip = make(vim.host.IpConfig, dhcp=False, ipAddress=host.management_ip, subnetMask="255.255.255.0")
    spec = make(
        vim.host.VirtualNic.Specification, ip=ip, mac=f"24:6e:96:01:{number:02x}:00", portgroup="Management Network", mtu=1500
    )
    key = "key-vim.host.VirtualNic-vmk0"
    return make(vim.host.VirtualNic, device="vmk0", key=key, portgroup="Management Network", port="", spec=spec)


def _vnic_services() -> list[Any]:
    kind = vim.host.VirtualNicManager.NetConfig
    return [
        make(
            kind,
            nicType=service,
            multiSelectAllowed=True,
            selectedVnic=[f"VirtualNicManager.{service}.key-vim.host.VirtualNic-vmk0"],
        )
        for service in ("management", "vmotion")
    ]
