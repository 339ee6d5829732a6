"""Facts of a vSphere estate as the source adapters give them: VMs with their devices, hosts, clusters, stores, networks.

`native_id` is the moref value inside one vCenter. Sizes are bytes, times aware UTC. No identity across sources in here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from estate.facts.unknown import UNKNOWN, Unknown


class PowerState(StrEnum):
    ON = "poweredOn"
    OFF = "poweredOff"
    SUSPENDED = "suspended"


class DiskBacking(StrEnum):
    """How a virtual disk lies on its datastore; `OTHER` keeps the type name in `backing_type`."""

    FLAT = "flat"
    SPARSE = "sparse"
    SE_SPARSE = "sesparse"
    RDM_PHYSICAL = "rdm_physical"
    RDM_VIRTUAL = "rdm_virtual"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """One virtual disk. `device_key` is stable inside its VM; `address` is controller type, bus and unit as leases spell it."""

    device_key: int
    label: str
    capacity_bytes: int | Unknown
    backing: DiskBacking | Unknown
    backing_type: str = ""
    file_name: str | Unknown = UNKNOWN
    datastore_id: str | Unknown = UNKNOWN
    thin: bool | Unknown = UNKNOWN
    mode: str | Unknown = UNKNOWN
    sharing: str | Unknown = UNKNOWN
    controller_type: str | Unknown = UNKNOWN
    controller_shared_bus: str | Unknown = UNKNOWN
    bus_number: int | Unknown = UNKNOWN
    unit_number: int | Unknown = UNKNOWN
    disk_uuid: str | Unknown = UNKNOWN
    lun_uuid: str = ""

    @property
    def address(self) -> str:
        """Controller type, bus and unit, e.g. `ParaVirtualSCSIController0:1`."""
        return f"{self.controller_type}{self.bus_number}:{self.unit_number}"


@dataclass(frozen=True, slots=True)
class NicFacts:
    """One virtual NIC; `network_id` is the moref of its network or distributed port group."""

    device_key: int
    label: str
    mac_address: str | Unknown
    network_id: str | Unknown = UNKNOWN
    network_name: str | Unknown = UNKNOWN
    adapter: str = ""
    address_type: str | Unknown = UNKNOWN
    connected: bool | Unknown = UNKNOWN
    start_connected: bool | Unknown = UNKNOWN
    ip_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    native_id: str
    name: str
    created_at: datetime | Unknown
    with_memory: bool | Unknown
    depth: int


@dataclass(frozen=True, slots=True)
class VmFacts:
    """One source VM. A disconnected VM may know little more than its name: the rest stays UNKNOWN with the fault."""

    native_id: str
    name: str
    instance_uuid: str | Unknown = UNKNOWN
    bios_uuid: str | Unknown = UNKNOWN
    power_state: PowerState | Unknown = UNKNOWN
    connection_state: str | Unknown = UNKNOWN
    boot_time: datetime | Unknown | None = UNKNOWN
    change_version: str | Unknown = UNKNOWN
    is_template: bool | Unknown = UNKNOWN
    managed_by: str | Unknown | None = UNKNOWN
    annotation: str = ""
    folder_path: str = ""
    host_id: str | Unknown = UNKNOWN
    cluster_id: str | Unknown | None = UNKNOWN
    guest_id: str | Unknown = UNKNOWN
    guest_full_name: str | Unknown = UNKNOWN
    guest_host_name: str | Unknown = UNKNOWN
    tools_running: bool | Unknown = UNKNOWN
    tools_status: str | Unknown = UNKNOWN
    hardware_version: str | Unknown = UNKNOWN
    firmware: str | Unknown = UNKNOWN
    secure_boot: bool | Unknown = UNKNOWN
    vcpus: int | Unknown = UNKNOWN
    cores_per_socket: int | Unknown = UNKNOWN
    memory_bytes: int | Unknown = UNKNOWN
    ft_state: str | Unknown = UNKNOWN
    ft_configured: bool | Unknown = UNKNOWN
    consolidation_needed: bool | Unknown = UNKNOWN
    crypto_state: str | Unknown | None = UNKNOWN
    has_vtpm: bool | Unknown = UNKNOWN
    disks: tuple[DiskFacts, ...] | Unknown = UNKNOWN
    nics: tuple[NicFacts, ...] | Unknown = UNKNOWN
    snapshots: tuple[SnapshotFacts, ...] | Unknown = UNKNOWN
    datastore_ids: tuple[str, ...] = ()
    other_devices: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    committed_bytes: int | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True)
class HostFacts:
    native_id: str
    name: str
    cluster_id: str | None
    connection_state: str | Unknown = UNKNOWN
    in_maintenance: bool | Unknown = UNKNOWN
    cpu_model: str | Unknown = UNKNOWN
    cpu_cores: int | Unknown = UNKNOWN
    memory_bytes: int | Unknown = UNKNOWN
    product: str | Unknown = UNKNOWN
    vendor: str | Unknown = UNKNOWN
    model: str | Unknown = UNKNOWN
    tls_sha256: str | Unknown = UNKNOWN
    tls_sha1: str | Unknown = UNKNOWN
    datastore_ids: tuple[str, ...] = ()
    network_ids: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    native_id: str
    name: str
    drs_enabled: bool | Unknown = UNKNOWN
    ha_enabled: bool | Unknown = UNKNOWN
    host_ids: tuple[str, ...] = ()
    datastore_ids: tuple[str, ...] = ()
    network_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatastoreFacts:
    native_id: str
    name: str
    kind: str | Unknown = UNKNOWN
    capacity_bytes: int | Unknown = UNKNOWN
    free_bytes: int | Unknown = UNKNOWN
    accessible: bool | Unknown = UNKNOWN
    host_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """A standard network, or a distributed port group (`is_distributed`, with its port group key)."""

    native_id: str
    name: str
    is_distributed: bool = False
    portgroup_key: str = ""
    vlan: str | Unknown = UNKNOWN
    host_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceAbout:
    """Who answered: product, versions and the global id of this vCenter or ESXi."""

    product: str
    api_version: str
    build: str
    instance_uuid: str
    is_vcenter: bool


SourceFact = VmFacts | HostFacts | ClusterFacts | DatastoreFacts | NetworkFacts
