"""What VMs live on and in: hosts with their hardware, clusters with their rules, stores, networks, switches and containers.

`native_id` is the moref value inside one vCenter. Sizes are bytes, speeds Mb/s.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from estate.facts.unknown import UNKNOWN, Unknown


class PhysicalNicFacts(Struct, frozen=True):
    """`pci` tells which ports share a card: same address but for the function digit. `link_mbit_s` is None without link."""

    name: str
    mac_address: str | Unknown = UNKNOWN
    driver: str | Unknown = UNKNOWN
    pci: str | Unknown = UNKNOWN
    link_mbit_s: int | Unknown | None = UNKNOWN


class VirtualSwitchFacts(Struct, frozen=True):
    """A standard switch of one host; `uplinks` are names of physical NICs."""

    name: str
    mtu: int | Unknown = UNKNOWN
    uplinks: tuple[str, ...] | Unknown = UNKNOWN
    promiscuous: bool | Unknown = UNKNOWN
    forged_transmits: bool | Unknown = UNKNOWN
    mac_changes: bool | Unknown = UNKNOWN


class KernelNicFacts(Struct, frozen=True):
    """A VMkernel NIC; `services` are VMware's names of what it carries, e.g. `management`, `vSphereBackupNFC`."""

    name: str
    portgroup: str = ""
    ip_address: str | Unknown = UNKNOWN
    mtu: int | Unknown = UNKNOWN
    services: tuple[str, ...] | Unknown = UNKNOWN
    mac_address: str | Unknown = UNKNOWN
    subnet_mask: str | Unknown = UNKNOWN
    dhcp: bool | Unknown = UNKNOWN


class HbaFacts(Struct, frozen=True):
    name: str
    kind: str = ""
    model: str | Unknown = UNKNOWN
    driver: str | Unknown = UNKNOWN
    address: str | Unknown = UNKNOWN


class LunFacts(Struct, frozen=True):
    """A LUN or local disk of one host; `live_paths` of `paths` work, `local` as the host says, `transport` e.g. `usb`, `fc`.

    `targets` are the addresses, IQNs and WWNs of the ports its paths lead to.
    """

    name: str
    capacity_bytes: int | Unknown = UNKNOWN
    model: str | Unknown = UNKNOWN
    local: bool | Unknown = UNKNOWN
    ssd: bool | Unknown = UNKNOWN
    transport: str | Unknown = UNKNOWN
    paths: int | Unknown = UNKNOWN
    live_paths: int | Unknown = UNKNOWN
    policy: str | Unknown = UNKNOWN
    targets: tuple[str, ...] | Unknown = UNKNOWN


class HostFacts(Struct, frozen=True):
    """One ESXi host. `product` is the full name, `version` the number, `boot_device` the LUN it boots from (None: not told);
    `cluster_id` is None for a host outside any cluster.

    `licensable` are amounts by VMware's names of what a licence counts, e.g. `numCpuPackages`. `uuid` is its SMBIOS UUID.
    """

    native_id: str
    name: str
    cluster_id: str | Unknown | None
    connection_state: str | Unknown = UNKNOWN
    in_maintenance: bool | Unknown = UNKNOWN
    power_state: str | Unknown = UNKNOWN
    cpu_model: str | Unknown = UNKNOWN
    cpu_vendor: str | Unknown = UNKNOWN
    cpu_sockets: int | Unknown = UNKNOWN
    cpu_cores: int | Unknown = UNKNOWN
    cpu_threads: int | Unknown = UNKNOWN
    cpu_hz: int | Unknown = UNKNOWN
    cpu_used_mhz: int | Unknown = UNKNOWN
    memory_bytes: int | Unknown = UNKNOWN
    memory_used_bytes: int | Unknown = UNKNOWN
    product: str | Unknown = UNKNOWN
    version: str | Unknown = UNKNOWN
    build: str | Unknown = UNKNOWN
    license_product: str | Unknown | None = UNKNOWN
    licensable: tuple[tuple[str, str], ...] | Unknown = UNKNOWN
    lockdown_mode: str | Unknown = UNKNOWN
    vendor: str | Unknown = UNKNOWN
    model: str | Unknown = UNKNOWN
    serial: str | Unknown = UNKNOWN
    uuid: str | Unknown = UNKNOWN
    bios_version: str | Unknown = UNKNOWN
    current_evc_mode: str | Unknown | None = UNKNOWN
    max_evc_mode: str | Unknown | None = UNKNOWN
    boot_device: str | Unknown | None = UNKNOWN
    domain: str | Unknown = UNKNOWN
    dns_servers: tuple[str, ...] | Unknown = UNKNOWN
    time_zone: str | Unknown = UNKNOWN
    ntp_servers: tuple[str, ...] | Unknown = UNKNOWN
    tls_sha256: str | Unknown = UNKNOWN
    tls_sha1: str | Unknown = UNKNOWN
    tls_expires_at: datetime | Unknown = UNKNOWN
    physical_nics: tuple[PhysicalNicFacts, ...] | Unknown = UNKNOWN
    switches: tuple[VirtualSwitchFacts, ...] | Unknown = UNKNOWN
    distributed_switches: tuple[VirtualSwitchFacts, ...] | Unknown = UNKNOWN
    kernel_nics: tuple[KernelNicFacts, ...] | Unknown = UNKNOWN
    hbas: tuple[HbaFacts, ...] | Unknown = UNKNOWN
    luns: tuple[LunFacts, ...] | Unknown = UNKNOWN
    pci_devices: tuple[str, ...] | Unknown = UNKNOWN
    datastore_ids: tuple[str, ...] | Unknown = UNKNOWN
    network_ids: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] | Unknown = UNKNOWN


class ClusterRuleFacts(Struct, frozen=True):
    """A DRS rule. `kind` is `affinity`, `anti_affinity`, `vm_host` or `dependency`; a VM-host rule names its groups."""

    name: str
    kind: str
    enabled: bool | Unknown = UNKNOWN
    mandatory: bool | Unknown = UNKNOWN
    vm_ids: tuple[str, ...] = ()
    vm_group: str = ""
    host_group: str = ""


class ClusterGroupFacts(Struct, frozen=True):
    """A DRS group of VMs or of hosts (one of the two is empty)."""

    name: str
    vm_ids: tuple[str, ...] = ()
    host_ids: tuple[str, ...] = ()


class ClusterFacts(Struct, frozen=True):
    """`root_pool_id` is the resource pool that holds all its machines and pools."""

    native_id: str
    name: str
    drs_enabled: bool | Unknown = UNKNOWN
    drs_behaviour: str | Unknown = UNKNOWN
    ha_enabled: bool | Unknown = UNKNOWN
    admission_control: bool | Unknown = UNKNOWN
    dpm_enabled: bool | Unknown = UNKNOWN
    evc_mode: str | Unknown | None = UNKNOWN
    rules: tuple[ClusterRuleFacts, ...] | Unknown = UNKNOWN
    groups: tuple[ClusterGroupFacts, ...] | Unknown = UNKNOWN
    root_pool_id: str | Unknown = UNKNOWN
    host_ids: tuple[str, ...] = ()
    datastore_ids: tuple[str, ...] = ()
    network_ids: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] | Unknown = UNKNOWN


class DatastoreFacts(Struct, frozen=True):
    """`local`: reachable by one host only. `lun_names` are the canonical names below a VMFS store.

    `remote_host` and `remote_path` say where an NFS store lies (None on any other), `vmfs_version` is None without VMFS. `vm_ids`
    are the machines with files on it.
    """

    native_id: str
    name: str
    kind: str | Unknown = UNKNOWN
    url: str | Unknown = UNKNOWN
    capacity_bytes: int | Unknown = UNKNOWN
    free_bytes: int | Unknown = UNKNOWN
    uncommitted_bytes: int | Unknown = UNKNOWN
    accessible: bool | Unknown = UNKNOWN
    maintenance_mode: str | Unknown = UNKNOWN
    local: bool | Unknown = UNKNOWN
    lun_names: tuple[str, ...] | Unknown = UNKNOWN
    remote_host: str | Unknown | None = UNKNOWN
    remote_path: str | Unknown | None = UNKNOWN
    vmfs_version: str | Unknown | None = UNKNOWN
    thin_disks_possible: bool | Unknown = UNKNOWN
    raw_mappings_possible: bool | Unknown = UNKNOWN
    vm_ids: tuple[str, ...] | Unknown = UNKNOWN
    pod_id: str | Unknown | None = UNKNOWN
    host_ids: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] | Unknown = UNKNOWN


class NetworkFacts(Struct, frozen=True):
    """A standard network, a distributed port group (`is_distributed`, with its port group key), or an NSX one
    (`is_opaque`), which may be a port group too.

    `vlan` is `100`, `0`, `4095`, `0-4094` or `10,20-30` for a trunk (`is_trunk`), `pvlan 101` for a private VLAN
    (`is_private_vlan`). The three policies are those in force on it, whether its own or its switch's. `binding` of its ports is
    `earlyBinding`, `lateBinding` or `ephemeral` (None: not a distributed port group). `vm_ids` are the machines on it.
    """

    native_id: str
    name: str
    is_distributed: bool = False
    is_opaque: bool | Unknown = UNKNOWN
    portgroup_key: str = ""
    switch_id: str | Unknown | None = UNKNOWN
    switch_name: str | Unknown = UNKNOWN
    vlan: str | Unknown = UNKNOWN
    is_trunk: bool | Unknown = UNKNOWN
    is_private_vlan: bool | Unknown = UNKNOWN
    is_uplink: bool | Unknown = UNKNOWN
    binding: str | Unknown | None = UNKNOWN
    vm_ids: tuple[str, ...] | Unknown = UNKNOWN
    mtu: int | Unknown = UNKNOWN
    promiscuous: bool | Unknown = UNKNOWN
    forged_transmits: bool | Unknown = UNKNOWN
    mac_changes: bool | Unknown = UNKNOWN
    host_ids: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] | Unknown = UNKNOWN


class SwitchFacts(Struct, frozen=True):
    """A distributed switch; `private_vlans` are (primary, secondary, kind)."""

    native_id: str
    name: str
    uuid: str | Unknown = UNKNOWN
    mtu: int | Unknown = UNKNOWN
    private_vlans: tuple[tuple[int, int, str], ...] | Unknown = UNKNOWN
    host_ids: tuple[str, ...] | Unknown = UNKNOWN
    unreadable: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] | Unknown = UNKNOWN


class ContainerFacts(Struct, frozen=True):
    """A resource pool, vApp, storage pod, folder or datacenter (`kind`), and what contains it (empty at the root).

    `limited`: a CPU or memory limit or reservation is set (resource pools and vApps only). Storage pods have a capacity.
    """

    native_id: str
    name: str
    kind: str
    parent_id: str = ""
    path: str = ""
    limited: bool | Unknown = UNKNOWN
    capacity_bytes: int | Unknown | None = None
    free_bytes: int | Unknown | None = None
    member_ids: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] | Unknown = UNKNOWN
