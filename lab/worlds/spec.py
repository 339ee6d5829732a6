"""The words in which a source estate is written down: plain values, no protocol.

lab.vcenter_sim turns them into what a vCenter would say; lab.worlds.* modules hold the estates themselves. Names refer
to each other by name: a VM names its host, datastores and networks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from lab.disks import DiskPlan


class Tools(Enum):
    """VMware Tools of a guest as vSphere reports them."""

    RUNNING = "guestToolsRunning"
    NOT_RUNNING = "guestToolsNotRunning"
    NOT_INSTALLED = "notInstalled"


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """One virtual disk. `rdm` is "" or `physicalMode`, `virtualMode`; `bus` is a key of devices.CONTROLLERS."""

    capacity_mib: int
    fill_mib: int
    datastore: str
    bus: str = "pvscsi"
    bus_number: int = 0
    unit: int = 0
    thin: bool = True
    mode: str = "persistent"
    sharing: str = "sharingNone"
    rdm: str = ""
    layout: str = "linux"


@dataclass(frozen=True, slots=True)
class NicSpec:
    """One network card; `network` names a standard or distributed port group."""

    network: str
    mac: str
    ip: str = ""
    adapter: str = "VirtualVmxnet3"
    address_type: str = "assigned"


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """The operating system: `config_id` as configured, `tools_id` as VMware Tools report it."""

    config_id: str
    full_name: str
    family: str
    host_name: str = ""
    tools_id: str = ""


@dataclass(frozen=True, slots=True)
class VmSpec:
    """One virtual machine; `ignores_shutdown` guests never follow ShutdownGuest."""

    name: str
    host: str
    guest: GuestSpec
    disks: tuple[DiskSpec, ...]
    nics: tuple[NicSpec, ...]
    cpus: int = 2
    memory_mib: int = 4096
    firmware: str = "bios"
    secure_boot: bool = False
    powered_on: bool = True
    tools: Tools = Tools.RUNNING
    ignores_shutdown: bool = False
    template: bool = False
    managed_by: str = ""
    folder: str = ""
    annotation: str = ""
    snapshots: tuple[str, ...] = ()
    custom: tuple[tuple[str, str], ...] = ()
    extra_config: tuple[tuple[str, str], ...] = ()
    shared_bus: str = "noSharing"


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One ESXi host; `address` is the loopback address its NFC listener binds to."""

    name: str
    cluster: str
    address: str
    management_ip: str
    cores_per_socket: int = 16
    memory_gib: int = 256
    nfc_wildcard: bool = False  # lease URLs of this host say `https://*/` and are served by the vCenter address


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """One cluster with its DRS and HA switches and VM anti-affinity groups."""

    name: str
    drs: bool = True
    ha: bool = True
    anti_affinity: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class DatastoreSpec:
    """One datastore; `kind` is VMFS or NFS; `clusters` see it; `pod` is the datastore cluster it is in, if any."""

    name: str
    kind: str
    capacity_gib: int
    free_gib: int
    clusters: tuple[str, ...]
    nfs_host: str = ""
    nfs_path: str = ""
    pod: str = ""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """One port group; with `dvs` it is distributed. VLAN 4095 is a trunk on a standard switch."""

    name: str
    vlan: int
    dvs: str = ""
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagSpec:
    """One tag; `on` are (kind, name) of what has it: `vm`, `host`, `cluster`, `datastore` or `network`."""

    category: str
    name: str
    on: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EstateSpec:
    """A whole vCenter with one datacenter."""

    name: str
    seed: int
    datacenter: str
    clusters: tuple[ClusterSpec, ...]
    hosts: tuple[HostSpec, ...]
    datastores: tuple[DatastoreSpec, ...]
    networks: tuple[NetworkSpec, ...]
    vms: tuple[VmSpec, ...]
    custom_fields: tuple[str, ...] = ()
    tags: tuple[TagSpec, ...] = ()
    vcenter_address: str = "127.0.0.20"
    dvs_names: tuple[str, ...] = field(default=())

    def disk_plan(self, vm: VmSpec, index: int) -> DiskPlan:
        """The plan of the content of disk `index` of `vm`; disk names are `<vm>-disk<index>`."""
        disk = vm.disks[index]
        name = f"{vm.name}-disk{index}".replace("/", "_").replace("%", "_").replace(" ", "_")
        return DiskPlan(name, self.seed, disk.capacity_mib, disk.fill_mib, disk.layout)
