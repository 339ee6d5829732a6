"""RVTools workbooks made from facts, as RVTools exports them: all sheets and headers, old or new, as `.xlsx` or CSV."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from estate.facts.source import AllocationFacts, DiskBacking, DiskFacts, HostFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown
from estate.sheets import Column, SheetToWrite, write_workbook

MIB = 1 << 20
CENTER = "3f0c2a1e-0000-4000-8000-00000000c0de"
MADE_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
Found = Mapping[str, Sequence[Any]]
Sheets = dict[str, tuple[list[str], list[list[Any]]]]

_HEAD = "VM|Powerstate|Template|SRM Placeholder"
_TAIL = """Annotation|Owner|Datacenter|Cluster|Host|Folder|OS according to the configuration file
OS according to the VMware Tools|VM ID|VM UUID|VI SDK Server|VI SDK UUID"""
_HOST_TAIL = "VI SDK Server|VI SDK UUID"
HEADERS = {
    "vInfo": f"""{_HEAD}|Config status|DNS Name|Connection state|Guest state|Heartbeat|Consolidation Needed|PowerOn
Suspend time|Creation date|Change Version|CPUs|Memory|NICs|Disks|Total disk capacity MiB|min Required EVC Mode Key
Latency Sensitivity|EnableUUID|CBT|Primary IP Address|Network #1|Network #2|Network #3|Network #4|Network #5|Network #6
Network #7|Network #8|Num Monitors|Video Ram KiB|Resource pool|Folder ID|Folder|vApp|DAS protection|FT State|FT Role
FT Latency|FT Bandwidth|FT Sec. Latency|Provisioned MiB|In Use MiB|Unshared MiB|HA Restart Priority|HA Isolation Response
HA VM Monitoring|Cluster rule(s)|Cluster rule name(s)|Boot Required|Boot delay|Boot retry delay|Boot retry enabled
Boot BIOS setup|Reboot PowerOff|EFI Secure boot|Firmware|HW version|HW upgrade status|HW upgrade policy|HW target|Path
Log directory|Snapshot directory|Suspend directory|Annotation|Owner|Datacenter|Cluster|Host
OS according to the configuration file|OS according to the VMware Tools|VM ID|SMBIOS UUID|VM UUID|VI SDK Server type
VI SDK API Version|VI SDK Server|VI SDK UUID|Suspended To Memory|Guest Detailed Data""",
    "vCPU": f"""{_HEAD}|CPUs|Sockets|Cores p/s|Max|Overall|Level|Shares|Reservation|Entitlement|DRS Entitlement|Limit
Hot Add|Hot Remove|Numa Hotadd Exposed|{_TAIL}""",
    "vMemory": f"""{_HEAD}|Size MiB|Memory Reservation Locked To Max|Overhead|Max|Consumed|Consumed Overhead|Private
Shared|Swapped|Ballooned|Active|Entitlement|DRS Entitlement|Level|Shares|Reservation|Limit|Hot Add|{_TAIL}""",
    "vDisk": f"""{_HEAD}|Disk|Disk Key|Disk UUID|Disk Path|Capacity MiB|Raw|Disk Mode|Sharing mode|Thin|Eagerly Scrub
Split|Write Through|Level|Shares|Reservation|Limit|Controller|Label|SCSI Unit #|Unit #|Shared Bus|Path|Raw LUN ID
Raw Comp. Mode|Internal Sort Column|{_TAIL}""",
    "vPartition": f"{_HEAD}|Disk Key|Disk|Capacity MiB|Consumed MiB|Free MiB|Free %|Internal Sort Column|{_TAIL}",
    "vNetwork": f"""{_HEAD}|NIC label|Adapter|Network|Switch|Connected|Starts Connected|Mac Address|Type|IPv4 Address
IPv6 Address|Direct Path IO|Internal Sort Column|{_TAIL}""",
    "vCD": f"{_HEAD}|Device Node|Connected|Starts Connected|Device Type|{_TAIL}",
    "vUSB": f"""{_HEAD}|Device Node|Device Type|Connected|Family|Speed|EHCI enabled|Auto connect|Bus number|Unit number
{_TAIL}""",
    "vSnapshot": f"""VM|Powerstate|Name|Description|Date / time|Filename|Size MiB (vmsn)|Size MiB (total)|Quiesced|State
{_TAIL}""",
    "vTools": f"""{_HEAD}|VM Version|Tools|Tools Version|Required Version|Upgradeable|Upgrade Policy|Sync time|App status
Heartbeat status|Kernel Crash state|Operation Ready|State change support|Interactive Guest|{_TAIL}""",
    "vSource": f"Name|OS type|API type|API version|Version|Build|Fullname|Product name|Product version|{_HOST_TAIL}",
    "vRP": f"""Resource Pool name|Resource Pool path|Status|# VMs|CPU limit|CPU reservation|CPU level|Mem limit
Mem reservation|Mem level|{_HOST_TAIL}""",
    "vCluster": f"""Name|Config status|OverallStatus|NumHosts|numEffectiveHosts|TotalCpu|NumCpuCores|NumCpuThreads
Effective Cpu|TotalMemory|Effective Memory|Num VMotions|HA enabled|Failover Level|AdmissionControlEnabled|Host monitoring
Isolation Response|Restart Priority|DRS enabled|DRS default VM behavior|DPM enabled|Object ID|{_HOST_TAIL}""",
    "vHost": f"""Host|Datacenter|Cluster|Config status|in Maintenance Mode|CPU Model|Speed|HT Available|HT Active|# CPU
Cores per CPU|# Cores|CPU usage %|# Memory|Memory usage %|Console|# NICs|# HBAs|# VMs total|# VMs|VMs per Core|# vCPUs
vCPUs per Core|vRAM|VM Used memory|VMotion support|Current EVC|Max EVC|Assigned License(s)|ATS Heartbeat|ATS Locking
Host Power Policy|ESX Version|Boot time|DNS Servers|DHCP|Domain|NTP Server(s)|NTPD running|Time Zone|Vendor|Model
Serial number|Service tag|BIOS Vendor|BIOS Version|BIOS Date|Object ID|UUID|{_HOST_TAIL}""",
    "vHBA": f"Host|Datacenter|Cluster|Device|Type|Status|Bus|Pci|Driver|Model|WWN|{_HOST_TAIL}",
    "vNIC": f"Host|Datacenter|Cluster|Network Device|Driver|Speed|Duplex|MAC|Switch|Uplink port|PCI|WakeOn|{_HOST_TAIL}",
    "vSwitch": f"""Host|Datacenter|Cluster|Switch|# Ports|Free Ports|Promiscuous Mode|Mac Changes|Forged Transmits|Policy
MTU|{_HOST_TAIL}""",
    "vPort": f"""Host|Datacenter|Cluster|Port Group|Switch|VLAN|Promiscuous Mode|Mac Changes|Forged Transmits|Policy
{_HOST_TAIL}""",
    "dvSwitch": f"""Switch|Datacenter|Name|Vendor|Version|Host members|Max Ports|# Ports|# VMs|LACP Mode|Max MTU|Object ID
{_HOST_TAIL}""",
    "dvPort": f"""Port|Switch|Type|# Ports|VLAN|Allow Promiscuous|Mac Changes|Forged Transmits|Active Uplink
Standby Uplink|Policy|Object ID|{_HOST_TAIL}""",
    "vSC_VMK": f"""Host|Datacenter|Cluster|Port Group|Device|Mac Address|DHCP|IP Address|IP 6 Address|Subnet mask|Gateway
MTU|{_HOST_TAIL}""",
    "vDatastore": f"""Name|Config status|Address|Accessible|Type|# VMs total|# VMs|Capacity MiB|Provisioned MiB|In Use MiB
Free MiB|Free %|SIOC enabled|# Hosts|Hosts|Cluster name|Block size|Major Version|Version|URL|Object ID|{_HOST_TAIL}""",
    "vMultiPath": f"""Host|Datacenter|Cluster|Datastore|Disk|Display name|Policy|Oper. State|Path 1|Path 1 state|Path 2
Path 2 state|Path 3|Path 3 state|Path 4|Path 4 state|Path 5|Path 5 state|Path 6|Path 6 state|Path 7|Path 7 state|Path 8
Path 8 state|Queue depth|Vendor|Model|UUID|{_HOST_TAIL}""",
    "vMetaData": "RVTools major version|RVTools version|xlsx creation datetime|Server",
}
_ADAPTERS = {"VirtualPCNet32": "Flexible", "VirtualSriovEthernetCard": "SriovEthernetCard"}
_CONTROLLERS = {
    "ParaVirtualSCSIController": "VMware paravirtual SCSI",
    "VirtualLsiLogicSASController": "LSI Logic SAS",
    "VirtualLsiLogicController": "LSI Logic",
    "VirtualBusLogicController": "BusLogic",
    "VirtualAHCIController": "AHCI",
    "VirtualNVMEController": "NVME Controller",
    "VirtualIDEController": "IDE",
}
_HBAS = {"HostFibreChannelHba": "Fibre Channel", "HostInternetScsiHba": "ISCSI", "HostBlockHba": "Block"}


def headers(sheet: str) -> list[str]:
    """The sheet's headers in RVTools' order."""
    return HEADERS[sheet].replace("\n", "|").split("|")


def workbook_of(found: Found, *, center: str = CENTER, old: bool = False) -> Sheets:
    """All sheets of an estate given as facts by kind. `old`: headers say MB."""
    estate = _Estate(found, center)
    sheets: Sheets = {}
    for name in HEADERS:
        columns = headers(name)
        rows = [[_cell(row.get(header)) for header in columns] for row in estate.rows(name)]
        sheets[name] = ([header.replace("MiB", "MB") for header in columns] if old else columns, rows)
    return sheets


def xlsx(sheets: Sheets) -> bytes:
    """The workbook as `.xlsx`."""
    pages = (SheetToWrite(name, [Column(column) for column in columns], rows) for name, (columns, rows) in sheets.items())
    return write_workbook(pages, made_at=MADE_AT)


def csv_texts(sheets: Sheets, *, separator: str = ",", grouped: bool = False) -> dict[str, bytes]:
    """The workbook as RVTools' CSV files by name; `grouped`: numbers with thousands separators."""
    return {f"RVTools_tab{name}.csv": _csv(columns, rows, separator, grouped) for name, (columns, rows) in sheets.items()}


def csv_folder(sheets: Sheets, folder: Path, **form: Any) -> Path:
    """The CSV files in a folder."""
    folder.mkdir(exist_ok=True)
    for name, content in csv_texts(sheets, **form).items():
        (folder / name).write_bytes(content)
    return folder


def csv_zip(sheets: Sheets, file: Path, **form: Any) -> Path:
    """The CSV files in a zip."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in csv_texts(sheets, **form).items():
            new.writestr(name, content)
    return file


def _csv(columns: list[str], rows: Iterable[list[Any]], separator: str, grouped: bool) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=separator)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(cell, grouped) for cell in row])
    return target.getvalue().encode("utf-8-sig")


def _csv_cell(cell: Any, grouped: bool) -> str:
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, int) and grouped:
        return f"{cell:,}"
    return f"{cell:%Y/%m/%d %H:%M:%S}" if isinstance(cell, datetime) else "" if cell is None else str(cell)


def _cell(value: Any) -> Any:
    return None if isinstance(value, Unknown) else ", ".join(value) if isinstance(value, tuple) else value


def _mib(size_bytes: Any) -> Any:
    return size_bytes // MIB if isinstance(size_bytes, int) else None


def _limit(value: Any, unit: int = 1) -> Any:
    return -1 if value is None else value // unit if isinstance(value, int) else None


class _Estate:
    """Rows by sheet, as dicts by header."""

    def __init__(self, found: Found, center: str) -> None:
        self._found = found
        self._center = {"VI SDK Server": "vcenter.example", "VI SDK UUID": center}
        self._names = {each.native_id: each.name for kind in found for each in found[kind]}
        self._pools = {
            each.native_id: self._pool_path(each) for each in found.get("container", ()) if each.kind == "resource_pool"
        }

    def rows(self, sheet: str) -> Iterator[dict[str, Any]]:
        makers: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
            "vSource": self._source,
            "vMetaData": self._meta,
            "vHost": self._hosts,
            "vCluster": self._clusters,
            "vDatastore": self._datastores,
            "vRP": self._resource_pools,
            "vPort": self._standard,
            "dvPort": self._distributed,
            "dvSwitch": self._switches,
            "vMultiPath": self._luns,
        }
        parts = {"vNIC": self._nics, "vHBA": self._hbas, "vSwitch": self._vswitches, "vSC_VMK": self._kernel}
        if sheet in makers:
            yield from ({**self._center, **row} for row in makers[sheet]())
        elif sheet in parts:
            yield from ({**self._host_head(host), **row} for host in self._found.get("host", ()) for row in parts[sheet](host))
        else:
            yield from (
                {**self._head(vm), **row} for vm in self._found.get("vm", ()) for row in machine_rows(sheet, vm, self.place)
            )

    def place(self, native_id: Any) -> str:
        """The name of whatever has this id; a pool's path."""
        return self._pools.get(native_id) or self._names.get(native_id, "") if isinstance(native_id, str) else ""

    def _pool_path(self, pool: Any) -> str:
        parent = next((each for each in self._found["container"] if each.native_id == pool.parent_id), None)
        above = self._pool_path(parent) if parent is not None and parent.kind == "resource_pool" else f"/{pool.parent_id}"
        return f"{above}/{pool.name}"

    def _source(self) -> Iterator[dict[str, Any]]:
        yield {
            "Name": "VMware vCenter Server",
            "API type": "VirtualCenter",
            "API version": "8.0.2.0",
            "Build": "22617221",
            "Fullname": "VMware vCenter Server 8.0.2 build-22617221",
        }

    def _meta(self) -> Iterator[dict[str, Any]]:
        yield {"RVTools major version": "4.6", "RVTools version": "4.6.1.0", "xlsx creation datetime": MADE_AT}

    def _host_head(self, host: HostFacts) -> dict[str, Any]:
        return self._center | {"Host": host.name, "Datacenter": "DC", "Cluster": self.place(host.cluster_id)}

    def _hosts(self) -> Iterator[dict[str, Any]]:
        for host in self._found.get("host", ()):
            yield self._host_head(host) | {
                "in Maintenance Mode": host.in_maintenance,
                "CPU Model": host.cpu_model,
                "HT Active": host.cpu_threads != host.cpu_cores,
                "# CPU": host.cpu_sockets,
                "# Cores": host.cpu_cores,
                "# Memory": _mib(host.memory_bytes),
                "Current EVC": host.current_evc_mode,
                "Max EVC": host.max_evc_mode,
                "ESX Version": host.product,
                "DNS Servers": host.dns_servers,
                "NTP Server(s)": host.ntp_servers,
                "Speed": host.cpu_hz if isinstance(host.cpu_hz, Unknown) else host.cpu_hz // 1_000_000,
                "Domain": host.domain,
                "Time Zone": host.time_zone,
                "UUID": host.uuid,
                "Vendor": host.vendor,
                "Model": host.model,
                "Serial number": host.serial,
                "BIOS Version": host.bios_version,
                "Object ID": host.native_id,
            }

    def _clusters(self) -> Iterator[dict[str, Any]]:
        for cluster in self._found.get("cluster", ()):
            yield {
                "Name": cluster.name,
                "HA enabled": cluster.ha_enabled,
                "AdmissionControlEnabled": cluster.admission_control,
                "DRS enabled": cluster.drs_enabled,
                "DRS default VM behavior": cluster.drs_behaviour,
                "DPM enabled": cluster.dpm_enabled,
                "Object ID": cluster.native_id,
            }

    def _datastores(self) -> Iterator[dict[str, Any]]:
        for store in self._found.get("datastore", ()):
            used, more = store.capacity_bytes - store.free_bytes, store.uncommitted_bytes
            yield {
                "Name": store.name,
                "Accessible": store.accessible,
                "Type": store.kind,
                "Version": store.vmfs_version,
                "Capacity MiB": _mib(store.capacity_bytes),
                "Provisioned MiB": None if isinstance(more, Unknown) else _mib(used) + _mib(more),
                "In Use MiB": _mib(used),
                "Free MiB": _mib(store.free_bytes),
                "# Hosts": len(store.host_ids),
                "Hosts": tuple(self.place(host_id) for host_id in store.host_ids),
                "Cluster name": self.place(store.pod_id),
                "URL": store.url,
                "Object ID": store.native_id,
            }

    def _resource_pools(self) -> Iterator[dict[str, Any]]:
        for pool in self._found.get("container", ()):
            if pool.kind == "resource_pool":
                limit = 1000 if pool.limited is True else -1
                row = {"CPU limit": limit, "CPU reservation": 0, "Mem limit": -1, "Mem reservation": 0}
                yield row | {"Resource Pool name": pool.name, "Resource Pool path": self._pools[pool.native_id]}

    def _standard(self) -> Iterator[dict[str, Any]]:
        for network in self._found.get("network", ()):
            if not network.is_distributed:
                row = {"Port Group": network.name, "Switch": network.switch_name, "VLAN": network.vlan} | _policies(network)
                yield from (row | {"Host": self.place(host_id)} for host_id in network.host_ids)

    def _distributed(self) -> Iterator[dict[str, Any]]:
        for network in self._found.get("network", ()):
            if network.is_distributed:
                row = {"Port": network.name, "Switch": network.switch_name, "VLAN": network.vlan} | _policies(network)
                row |= {"Object ID": network.native_id, "Type": network.binding}
                yield row | {"Allow Promiscuous": network.promiscuous}

    def _switches(self) -> Iterator[dict[str, Any]]:
        for switch in self._found.get("switch", ()):
            yield {"Name": switch.name, "Switch": switch.name, "Max MTU": switch.mtu, "Object ID": switch.native_id}

    def _luns(self) -> Iterator[dict[str, Any]]:
        stores = {name: store.name for store in self._found.get("datastore", ()) for name in _each(store.lun_names)}
        for host in self._found.get("host", ()):
            for lun in _each(host.luns):
                states = ["active"] * lun.live_paths + ["dead"] * (lun.paths - lun.live_paths)
                paths = {f"Path {n}": f"vmhba0:C0:T{n}:L1" for n in range(1, len(states) + 1)}
                row = {"Disk": lun.name, "Datastore": stores.get(lun.name), "Policy": lun.policy, "Model": lun.model}
                yield self._host_head(host) | row | paths | {f"Path {n} state": state for n, state in enumerate(states, 1)}

    def _nics(self, host: HostFacts) -> Iterator[dict[str, Any]]:
        switch_of = {nic: switch.name for switch in _each(host.switches) for nic in _each(switch.uplinks)}
        for nic in _each(host.physical_nics):
            row = {"Network Device": nic.name, "Driver": nic.driver, "Speed": nic.link_mbit_s, "MAC": nic.mac_address}
            yield row | {"PCI": nic.pci, "Switch": switch_of.get(nic.name)}

    def _hbas(self, host: HostFacts) -> Iterator[dict[str, Any]]:
        for hba in _each(host.hbas):
            row = {"Device": hba.name, "Type": _HBAS.get(hba.kind, hba.kind), "Driver": hba.driver}
            yield row | {"Model": hba.model, "WWN": hba.address}

    def _vswitches(self, host: HostFacts) -> Iterator[dict[str, Any]]:
        for switch in _each(host.switches):
            yield {"Switch": switch.name, "MTU": switch.mtu} | _policies(switch)

    def _kernel(self, host: HostFacts) -> Iterator[dict[str, Any]]:
        for nic in _each(host.kernel_nics):
            row = {"Port Group": nic.portgroup, "Device": nic.name, "IP Address": nic.ip_address, "MTU": nic.mtu}
            yield row | {"Mac Address": nic.mac_address, "Subnet mask": nic.subnet_mask, "DHCP": nic.dhcp}

    def _head(self, vm: VmFacts) -> dict[str, Any]:
        center, _, folder = vm.folder_path.partition("/vm/")
        return self._center | {
            "VM": vm.name,
            "Powerstate": vm.power_state,
            "Template": vm.is_template,
            "SRM Placeholder": False,
            "Annotation": vm.annotation,
            "Owner": dict(_each(vm.custom_values)).get("Owner"),
            "Datacenter": center.removesuffix("/vm"),
            "Cluster": self.place(vm.cluster_id),
            "Host": self.place(vm.host_id),
            "Folder": folder,
            "OS according to the configuration file": vm.configured_guest_full_name,
            "OS according to the VMware Tools": vm.reported_guest_full_name,
            "VM ID": vm.native_id,
            "VM UUID": vm.instance_uuid,
        }


def _each(values: Any) -> Any:
    return () if isinstance(values, Unknown) else values


def _policies(found: Any) -> dict[str, Any]:
    return {
        "Promiscuous Mode": found.promiscuous,
        "Mac Changes": found.mac_changes,
        "Forged Transmits": found.forged_transmits,
    }


def machine_rows(sheet: str, vm: VmFacts, place: Callable[[Any], str]) -> list[dict[str, Any]]:
    """One machine's rows on one of the sheets about machines, but for what all these share."""
    if sheet == "vDisk":
        return [_disk(disk) for disk in _each(vm.disks)]
    if sheet == "vNetwork":
        return [_nic(nic) for nic in _each(vm.nics)]
    if sheet == "vPartition":
        return [
            {
                "Disk": d.path,
                "Disk Key": next(iter(d.device_keys), 0),
                "Capacity MiB": _mib(d.capacity_bytes),
                "Free MiB": _mib(d.free_bytes),
            }
            for d in _each(vm.guest_disks)
        ]
    if sheet == "vSnapshot":
        return [_snapshot(each) for each in _each(vm.snapshots)]
    if sheet in ("vCD", "vUSB"):
        kind = {"vCD": "VirtualCdrom", "vUSB": "VirtualUSB"}[sheet]
        rows = [each for each in _each(vm.devices) if each.kind == kind]
        return [{"Device Node": each.label, "Device Type": each.kind, "Connected": each.connected} for each in rows]
    return [{"vInfo": _info, "vCPU": _cpu, "vMemory": _memory, "vTools": _tools}[sheet](vm, place)]


def _info(vm: VmFacts, place: Callable[[Any], str]) -> dict[str, Any]:
    return {
        "DNS Name": vm.guest_host_name,
        "Connection state": vm.connection_state,
        "Guest state": "running" if vm.tools_running is True else "notRunning",
        "Consolidation Needed": vm.consolidation_needed,
        "PowerOn": vm.boot_time,
        "Suspend time": vm.suspended_at,
        "Primary IP Address": vm.guest_ip_address,
        "Creation date": vm.created_at,
        "Change Version": vm.change_version,
        "CPUs": vm.vcpus,
        "Memory": _mib(vm.memory_bytes),
        "min Required EVC Mode Key": vm.min_evc_mode,
        "Latency Sensitivity": vm.latency_sensitivity,
        "EnableUUID": vm.disk_uuid_enabled,
        "CBT": vm.change_tracking,
        "Resource pool": place(vm.resource_pool_id),
        "vApp": place(vm.vapp_id),
        "FT State": vm.ft_state,
        "In Use MiB": _mib(vm.committed_bytes),
        "EFI Secure boot": vm.secure_boot,
        "Firmware": vm.firmware,
        "HW version": None if isinstance(vm.hardware_version, Unknown) else int(vm.hardware_version.removeprefix("vmx-")),
        "Path": f"[{place(next(iter(vm.datastore_ids), ''))}] {vm.name}/{vm.name}.vmx",
        "SMBIOS UUID": vm.bios_uuid,
        "VI SDK Server type": "VirtualCenter",
        "VI SDK API Version": "8.0.2.0",
        "Suspended To Memory": vm.suspended_to_memory,
        "Guest Detailed Data": vm.guest_detailed_data,
    }


def _allocated(found: AllocationFacts, unit: int) -> dict[str, Any]:
    reserved = found.reservation // unit if isinstance(found.reservation, int) else None
    return {"Level": found.shares_level, "Reservation": reserved, "Limit": _limit(found.limit, unit)}


def _cpu(vm: VmFacts, _: object) -> dict[str, Any]:
    cores = {"Cores p/s": vm.cores_per_socket, "Hot Add": vm.cpu_hot_add, "Hot Remove": vm.cpu_hot_remove}
    return cores | _allocated(vm.cpu_allocation, 1)


def _memory(vm: VmFacts, _: object) -> dict[str, Any]:
    sizes = {"Swapped": vm.swapped_bytes, "Ballooned": vm.ballooned_bytes, "Active": vm.active_memory_bytes}
    return (
        {name: _mib(size) for name, size in sizes.items()}
        | {"Hot Add": vm.memory_hot_add, "Memory Reservation Locked To Max": vm.memory_locked}
        | _allocated(vm.memory_allocation, MIB)
    )


def _tools(vm: VmFacts, _: object) -> dict[str, Any]:
    return {
        "Tools": vm.tools_status,
        "VM Version": 19,
        "Tools Version": vm.tools_version,
        "Upgrade Policy": vm.tools_upgrade_policy,
        "Sync time": vm.tools_time_sync,
        "Operation Ready": vm.guest_operations_ready,
        "State change support": vm.guest_state_change_supported,
    }


def _disk(disk: DiskFacts) -> dict[str, Any]:
    mode = {DiskBacking.RDM_PHYSICAL: "physicalMode", DiskBacking.RDM_VIRTUAL: "virtualMode"}.get(disk.backing)  # type: ignore[arg-type]
    kind = disk.controller_type
    return {
        "Disk": disk.label,
        "Disk Key": disk.device_key,
        "Disk UUID": disk.disk_uuid,
        "Disk Path": disk.file_name,
        "Capacity MiB": _mib(disk.capacity_bytes),
        "Raw": mode is not None,
        "Raw Comp. Mode": mode,
        "Disk Mode": disk.mode,
        "Sharing mode": disk.sharing,
        "Thin": disk.thin,
        "Controller": None if isinstance(kind, Unknown) else _CONTROLLERS.get(kind, kind),
        "Label": f"SCSI controller {disk.bus_number}",
        "Unit #": disk.unit_number,
        "Shared Bus": disk.controller_shared_bus,
        **_allocated(disk.allocation, 1),
    }


def _nic(nic: NicFacts) -> dict[str, Any]:
    return {
        "NIC label": nic.label,
        "Adapter": _ADAPTERS.get(nic.adapter, nic.adapter.removeprefix("Virtual")),
        "Network": nic.network_name,
        "Switch": nic.switch_name,
        "Connected": nic.connected,
        "Starts Connected": nic.start_connected,
        "Mac Address": nic.mac_address,
        "Type": nic.address_type,
        "IPv4 Address": tuple(each for each in nic.ip_addresses if ":" not in each),
        "IPv6 Address": tuple(each for each in nic.ip_addresses if ":" in each),
        "Direct Path IO": nic.direct_path,
    }


def _snapshot(found: Any) -> dict[str, Any]:
    state = "PoweredOn" if found.with_memory is True else "PoweredOff"
    return {"Name": found.name, "Date / time": found.created_at, "State": state, "Filename": found.native_id}
