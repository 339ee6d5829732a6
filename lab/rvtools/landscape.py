"""The sheets about what machines live on and in: hosts with their parts, clusters, pools, stores, networks, and the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyVmomi import vim

from lab.rvtools.sheet import CENTER, DISTRIBUTED, MIB, Columns, Row, SheetPlan, all_of, names, parts_of
from lab.vcenter_sim.center import Center

_HBA_TYPES = {"FibreChannelHba": "Fibre Channel", "InternetScsiHba": "ISCSI", "BlockHba": "Block"}
_MOST_PATHS = 8


def _hardware(row: Row) -> Any:
    return row.top("hardware")


def _config(row: Row) -> Any:
    return row.top("config")


def _summary(row: Row) -> Any:
    return row.top("summary")


def _datacenter(row: Row) -> str:
    return row.center.places.estate.datacenter


ON_HOST: Columns = {
    "Host": lambda row: row.top("name"),
    "Datacenter": _datacenter,
    "Cluster": lambda row: row.name_of(row.top("parent")),
}
HOST: Columns = {
    **ON_HOST,
    "Config status": lambda row: row.top("configStatus"),
    "in Maintenance Mode": lambda row: row.top("runtime").inMaintenanceMode,
    "CPU Model": lambda row: _hardware(row).cpuPkg[0].description,
    "Speed": lambda row: _summary(row).hardware.cpuMhz,
    "HT Active": lambda row: _hardware(row).cpuInfo.numCpuThreads > _hardware(row).cpuInfo.numCpuCores,
    "# CPU": lambda row: _hardware(row).cpuInfo.numCpuPackages,
    "# Cores": lambda row: _hardware(row).cpuInfo.numCpuCores,
    "# Memory": lambda row: _hardware(row).memorySize // MIB,
    "# VMs total": lambda row: len(row.top("vm")),
    "Current EVC": lambda row: _summary(row).currentEVCModeKey,
    "Max EVC": lambda row: _summary(row).maxEVCModeKey,
    "ESX Version": lambda row: _config(row).product.fullName,
    "Boot time": lambda row: row.top("runtime").bootTime,
    "DNS Servers": lambda row: names(_config(row).network.dnsConfig.address),
    "Domain": lambda row: _config(row).network.dnsConfig.domainName,
    "NTP Server(s)": lambda row: names(_config(row).dateTimeInfo.ntpConfig.server),
    "Time Zone": lambda row: _config(row).dateTimeInfo.timeZone.key,
    "Vendor": lambda row: _hardware(row).systemInfo.vendor,
    "Model": lambda row: _hardware(row).systemInfo.model,
    "Serial number": lambda row: _hardware(row).systemInfo.serialNumber,
    "BIOS Vendor": lambda row: _hardware(row).biosInfo.vendor,
    "BIOS Version": lambda row: _hardware(row).biosInfo.biosVersion,
    "Object ID": lambda row: row.mob.moid,
    "UUID": lambda row: _hardware(row).systemInfo.uuid,
    **CENTER,
}


def _hba_type(row: Row) -> str:
    kind = type(row.part).__name__.rpartition(".")[2]
    return _HBA_TYPES.get(kind, kind)


def _wwn(row: Row) -> str:
    digits = f"{row.part.portWorldWideName:016x}"
    return ":".join(digits[at : at + 2] for at in range(0, 16, 2))


HBA: Columns = {
    **ON_HOST,
    "Device": lambda row: row.part.device,
    "Type": _hba_type,
    "Status": lambda row: row.part.status,
    "Pci": lambda row: row.part.pci,
    "Driver": lambda row: row.part.driver,
    "Model": lambda row: row.part.model,
    "WWN": _wwn,
    **CENTER,
}


def _switch_of_nic(row: Row) -> str:
    network = _config(row).network
    named = [(each.name, each) for each in network.vswitch] + [(each.dvsName, each) for each in network.proxySwitch]
    return next((str(name) for name, switch in named if row.part.key in switch.pnic), "")


NIC: Columns = {
    **ON_HOST,
    "Network Device": lambda row: row.part.device,
    "Driver": lambda row: row.part.driver,
    "Speed": lambda row: row.part.linkSpeed.speedMb if row.part.linkSpeed else None,
    "Duplex": lambda row: bool(row.part.linkSpeed and row.part.linkSpeed.duplex),
    "MAC": lambda row: row.part.mac,
    "Switch": _switch_of_nic,
    "PCI": lambda row: row.part.pci,
    **CENTER,
}
POLICY: Columns = {
    "Promiscuous Mode": lambda row: row.part.spec.policy.security.allowPromiscuous,
    "Mac Changes": lambda row: row.part.spec.policy.security.macChanges,
    "Forged Transmits": lambda row: row.part.spec.policy.security.forgedTransmits,
}
SWITCH: Columns = {
    **ON_HOST,
    "Switch": lambda row: row.part.name,
    "# Ports": lambda row: row.part.numPorts,
    **POLICY,
    "MTU": lambda row: row.part.mtu,
    **CENTER,
}
PORT: Columns = {
    **ON_HOST,
    "Port Group": lambda row: row.part.spec.name,
    "Switch": lambda row: row.part.spec.vswitchName,
    "VLAN": lambda row: row.part.spec.vlanId,
    **POLICY,
    **CENTER,
}
KERNEL: Columns = {
    **ON_HOST,
    "Port Group": lambda row: row.part.portgroup,
    "Device": lambda row: row.part.device,
    "Mac Address": lambda row: row.part.spec.mac,
    "DHCP": lambda row: row.part.spec.ip.dhcp,
    "IP Address": lambda row: row.part.spec.ip.ipAddress,
    "Subnet mask": lambda row: row.part.spec.ip.subnetMask,
    "MTU": lambda row: row.part.spec.mtu,
    **CENTER,
}


def _lun(row: Row) -> Any:
    return next(each for each in _config(row).storageDevice.scsiLun if each.key == row.part.lun)


def _path(number: int) -> Columns:
    def told(row: Row, member: str) -> Any:
        return getattr(row.part.path[number - 1], member) if number <= len(row.part.path) else None

    return {f"Path {number}": lambda row: told(row, "name"), f"Path {number} state": lambda row: told(row, "pathState")}


PATHS: Columns = {
    **ON_HOST,
    "Datastore": lambda _: None,
    "Disk": lambda row: _lun(row).canonicalName,
    "Display name": lambda row: _lun(row).displayName,
    "Policy": lambda row: row.part.policy.policy,
    "Oper. State": lambda row: names(_lun(row).operationalState),
    **{header: fill for number in range(1, _MOST_PATHS + 1) for header, fill in _path(number).items()},
    "Vendor": lambda row: _lun(row).vendor,
    "Model": lambda row: _lun(row).model,
    "UUID": lambda row: _lun(row).uuid,
    **CENTER,
}
CLUSTER: Columns = {
    "Name": lambda row: row.top("name"),
    "Config status": lambda row: row.top("configStatus"),
    "NumHosts": lambda row: _summary(row).numHosts,
    "HA enabled": lambda row: row.top("configurationEx").dasConfig.enabled,
    "Failover Level": lambda row: row.top("configurationEx").dasConfig.failoverLevel,
    "AdmissionControlEnabled": lambda row: row.top("configurationEx").dasConfig.admissionControlEnabled,
    "DRS enabled": lambda row: row.top("configurationEx").drsConfig.enabled,
    "DRS default VM behavior": lambda row: row.top("configurationEx").drsConfig.defaultVmBehavior,
    "DPM enabled": lambda row: row.top("configurationEx").dpmConfigInfo.enabled,
    "Object ID": lambda row: row.mob.moid,
    **CENTER,
}


def _used_mib(row: Row) -> int:
    return int(_summary(row).capacity - _summary(row).freeSpace) // MIB


def _pod_of(row: Row) -> Any:
    """The summary of the storage pod that a store is in; None for none."""
    parent = row.top("parent")
    return row.center.mob(parent._moId).top("summary") if isinstance(parent, vim.StoragePod) else None


STORE: Columns = {
    "Name": lambda row: row.top("name"),
    "Config status": lambda row: row.top("configStatus"),
    "Accessible": lambda row: _summary(row).accessible,
    "Type": lambda row: _summary(row).type,
    "# VMs total": lambda row: len(row.top("vm")),
    "Capacity MiB": lambda row: _summary(row).capacity // MIB,
    "Provisioned MiB": lambda row: _used_mib(row) + _summary(row).uncommitted // MIB,
    "In Use MiB": _used_mib,
    "Free MiB": lambda row: _summary(row).freeSpace // MIB,
    "# Hosts": lambda row: len(row.top("host")),
    "Hosts": lambda row: names(row.name_of(mount.key) for mount in row.top("host")),
    "Cluster name": lambda row: _pod_of(row) and _pod_of(row).name,
    "Cluster capacity MiB": lambda row: _pod_of(row) and _pod_of(row).capacity // MIB,
    "Cluster free space MiB": lambda row: _pod_of(row) and _pod_of(row).freeSpace // MIB,
    "Version": lambda row: getattr(getattr(row.top("info"), "vmfs", None), "version", None),
    "URL": lambda row: _summary(row).url,
    "Object ID": lambda row: row.mob.moid,
    **CENTER,
}
POOL: Columns = {
    "Resource Pool name": lambda row: row.top("name"),
    "Resource Pool path": lambda row: f"/{_datacenter(row)}/{row.name_of(row.top('owner'))}/{row.top('name')}",
    "# VMs": lambda row: len(row.top("vm")),
    "CPU limit": lambda row: _config(row).cpuAllocation.limit,
    "CPU reservation": lambda row: _config(row).cpuAllocation.reservation,
    "Mem limit": lambda row: _config(row).memoryAllocation.limit,
    "Mem reservation": lambda row: _config(row).memoryAllocation.reservation,
    **CENTER,
}
DVSWITCH: Columns = {
    "Switch": lambda row: row.top("name"),
    "Datacenter": _datacenter,
    "Name": lambda row: row.top("name"),
    "Vendor": lambda row: _config(row).productInfo.vendor,
    "Version": lambda row: _config(row).productInfo.version,
    "Max MTU": lambda row: _config(row).maxMtu,
    "Object ID": lambda row: row.mob.moid,
    **CENTER,
}


def _setting(row: Row) -> Any:
    return _config(row).defaultPortConfig


def _vlan(row: Row) -> str:
    told = _setting(row).vlan.vlanId
    return ", ".join(f"{each.start}-{each.end}" for each in told) if isinstance(told, list) else str(told)


DVPORT: Columns = {
    "Port": lambda row: row.top("name"),
    "Switch": lambda row: row.name_of(_config(row).distributedVirtualSwitch),
    "Type": lambda row: _config(row).type,
    "# Ports": lambda row: _config(row).numPorts,
    "VLAN": _vlan,
    "Allow Promiscuous": lambda row: _setting(row).securityPolicy.allowPromiscuous.value,
    "Mac Changes": lambda row: _setting(row).securityPolicy.macChanges.value,
    "Forged Transmits": lambda row: _setting(row).securityPolicy.forgedTransmits.value,
    "Object ID": lambda row: row.mob.moid,
    **CENTER,
}
SOURCE: Columns = {
    "Name": lambda row: row.part.name,
    "API type": lambda row: row.part.apiType,
    "API version": lambda row: row.part.apiVersion,
    "Version": lambda row: row.part.version,
    "Build": lambda row: row.part.build,
    "Fullname": lambda row: row.part.fullName,
    "Product name": lambda row: row.part.name,
    **CENTER,
}
META: Columns = {
    "RVTools major version": lambda _: "4.6",
    "RVTools version": lambda _: "4.6.1.0",
    "xlsx creation datetime": lambda row: row.center.now(),
    "Server": CENTER["VI SDK Server"],
}


def _server(center: Center) -> Iterator[Row]:
    instance = center.mob("ServiceInstance")
    yield Row(center, instance, instance.top("content").about)


def sheets() -> list[SheetPlan]:
    """The sheets about everything but machines, in RVTools' order."""
    host = vim.HostSystem
    return [
        SheetPlan("vSource", SOURCE, _server),
        SheetPlan("vRP", POOL, all_of(vim.ResourcePool)),
        SheetPlan("vCluster", CLUSTER, all_of(vim.ClusterComputeResource)),
        SheetPlan("vHost", HOST, all_of(host)),
        SheetPlan("vHBA", HBA, parts_of(host, lambda row: _config(row).storageDevice.hostBusAdapter)),
        SheetPlan("vNIC", NIC, parts_of(host, lambda row: _config(row).network.pnic)),
        SheetPlan("vSwitch", SWITCH, parts_of(host, lambda row: _config(row).network.vswitch)),
        SheetPlan("vPort", PORT, parts_of(host, lambda row: _config(row).network.portgroup)),
        SheetPlan("dvSwitch", DVSWITCH, all_of(vim.DistributedVirtualSwitch)),
        SheetPlan("dvPort", DVPORT, all_of(DISTRIBUTED)),
        SheetPlan("vSC_VMK", KERNEL, parts_of(host, lambda row: _config(row).network.vnic)),
        SheetPlan("vDatastore", STORE, all_of(vim.Datastore)),
        SheetPlan("vMultiPath", PATHS, parts_of(host, lambda row: _config(row).storageDevice.multipathInfo.lun)),
        SheetPlan("vMetaData", META, _server),
    ]
