"""Facts of one source VM, field by field as vSphere, a workbook or an OVF knows them.

`native_id` is the moref value inside one vCenter. Sizes are bytes, times aware UTC. No identity across sources in here.
A field that is UNKNOWN was not told; `None`, `False` or an empty tuple means told to be absent.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from estate.facts.source.devices import (
    ALLOCATION_NOT_READ,
    AllocationFacts,
    DeviceFacts,
    DiskFacts,
    FileFacts,
    GuestDiskFacts,
    GuestNicFacts,
    NicFacts,
    SnapshotFacts,
)
from estate.facts.unknown import UNKNOWN, Unknown


class PowerState(StrEnum):
    ON = "poweredOn"
    OFF = "poweredOff"
    SUSPENDED = "suspended"


class VmFacts(Struct, frozen=True):
    """One source VM. A disconnected VM may know little more than its name: the rest stays UNKNOWN with the fault.

    `guest_id` and `guest_full_name` are the best known: what Tools report while they run, else what is configured; both origins
    are kept beside them. `extra_config` holds only the keys that rules ask for, never `guestinfo.*`, which may carry secrets.
    `memory_locked`: all of it is reserved. `guest_gateways` are those of default routes. `npiv_wwns` are node and port names.
    `confidential` names SGX, SEV, SEV-SNP and TDX as far as they are on. `unreadable` is (path, fault) of refused properties;
    `extra` is what a workbook says beyond these fields, by column.
    A source that lists only some kinds of devices has all of these kinds in `cd_drives` and `usb_devices`, and no `devices`.
    One that tells no rules of clusters may tell `cluster_rule_names`, those that name this machine.
    """

    native_id: str
    name: str
    instance_uuid: str | Unknown = UNKNOWN
    bios_uuid: str | Unknown = UNKNOWN
    # State
    power_state: PowerState | Unknown = UNKNOWN
    connection_state: str | Unknown = UNKNOWN
    boot_time: datetime | Unknown | None = UNKNOWN
    suspended_at: datetime | Unknown | None = UNKNOWN
    created_at: datetime | Unknown | None = UNKNOWN
    modified_at: datetime | Unknown | None = UNKNOWN
    change_version: str | Unknown = UNKNOWN
    is_template: bool | Unknown = UNKNOWN
    managed_by: str | Unknown | None = UNKNOWN
    question: str | Unknown | None = UNKNOWN
    failover_in_progress: bool | Unknown = UNKNOWN
    suspended_to_memory: bool | Unknown = UNKNOWN
    paused: bool | Unknown = UNKNOWN
    # Place
    annotation: str = ""
    folder_path: str = ""
    vmx_path: str | Unknown = UNKNOWN
    host_id: str | Unknown = UNKNOWN
    cluster_id: str | Unknown | None = UNKNOWN
    resource_pool_id: str | Unknown | None = UNKNOWN
    vapp_id: str | Unknown | None = UNKNOWN
    cluster_rule_names: tuple[str, ...] | Unknown = UNKNOWN
    custom_values: tuple[tuple[str, str], ...] | Unknown = UNKNOWN
    tags: tuple[str, ...] | Unknown = UNKNOWN
    # Guest
    guest_id: str | Unknown = UNKNOWN
    guest_full_name: str | Unknown = UNKNOWN
    configured_guest_id: str | Unknown = UNKNOWN
    configured_guest_full_name: str | Unknown = UNKNOWN
    reported_guest_id: str | Unknown | None = UNKNOWN
    reported_guest_full_name: str | Unknown | None = UNKNOWN
    alternate_guest_name: str | Unknown | None = UNKNOWN
    guest_family: str | Unknown | None = UNKNOWN
    guest_detailed_data: str | Unknown | None = UNKNOWN
    guest_host_name: str | Unknown = UNKNOWN
    guest_ip_address: str | Unknown | None = UNKNOWN
    guest_dns_servers: tuple[str, ...] | Unknown = UNKNOWN
    guest_gateways: tuple[str, ...] | Unknown = UNKNOWN
    guest_nics: tuple[GuestNicFacts, ...] | Unknown = UNKNOWN
    guest_disks: tuple[GuestDiskFacts, ...] | Unknown = UNKNOWN
    tools_running: bool | Unknown = UNKNOWN
    tools_status: str | Unknown = UNKNOWN
    tools_version_status: str | Unknown = UNKNOWN
    tools_version: str | Unknown | None = UNKNOWN
    tools_upgrade_policy: str | Unknown | None = UNKNOWN
    tools_time_sync: bool | Unknown = UNKNOWN
    guest_operations_ready: bool | Unknown = UNKNOWN
    guest_state_change_supported: bool | Unknown = UNKNOWN
    # CPU and memory
    hardware_version: str | Unknown = UNKNOWN
    vcpus: int | Unknown = UNKNOWN
    cores_per_socket: int | Unknown = UNKNOWN
    memory_bytes: int | Unknown = UNKNOWN
    cpu_hot_add: bool | Unknown = UNKNOWN
    cpu_hot_remove: bool | Unknown = UNKNOWN
    memory_hot_add: bool | Unknown = UNKNOWN
    memory_locked: bool | Unknown = UNKNOWN
    cpu_allocation: AllocationFacts = ALLOCATION_NOT_READ
    memory_allocation: AllocationFacts = ALLOCATION_NOT_READ
    cpu_affinity: tuple[int, ...] | Unknown = UNKNOWN
    memory_affinity: tuple[int, ...] | Unknown = UNKNOWN
    latency_sensitivity: str | Unknown = UNKNOWN
    nested_hv: bool | Unknown = UNKNOWN
    performance_counters: bool | Unknown = UNKNOWN
    vbs: bool | Unknown = UNKNOWN
    vvtd: bool | Unknown = UNKNOWN
    min_evc_mode: str | Unknown | None = UNKNOWN
    confidential: tuple[str, ...] | Unknown = UNKNOWN
    pmem: bool | Unknown = UNKNOWN
    ballooned_bytes: int | Unknown = UNKNOWN
    swapped_bytes: int | Unknown = UNKNOWN
    active_memory_bytes: int | Unknown = UNKNOWN
    # Firmware and identity of the hardware
    firmware: str | Unknown = UNKNOWN
    secure_boot: bool | Unknown = UNKNOWN
    boot_order: tuple[str, ...] | Unknown = UNKNOWN
    network_boot_protocol: str | Unknown | None = UNKNOWN
    has_vtpm: bool | Unknown = UNKNOWN
    encrypted: bool | Unknown = UNKNOWN
    crypto_state: str | Unknown | None = UNKNOWN
    disk_uuid_enabled: bool | Unknown = UNKNOWN
    npiv_wwns: tuple[str, ...] | Unknown = UNKNOWN
    extra_config: tuple[tuple[str, str], ...] | Unknown = UNKNOWN
    # Functions of vSphere that are in use
    ft_state: str | Unknown = UNKNOWN
    ft_configured: bool | Unknown = UNKNOWN
    replicated: bool | Unknown = UNKNOWN
    forked: bool | Unknown = UNKNOWN
    vflash_reservation_bytes: int | Unknown = UNKNOWN
    has_ovf_properties: bool | Unknown = UNKNOWN
    consolidation_needed: bool | Unknown = UNKNOWN
    disk_chain_broken: bool | Unknown = UNKNOWN
    snapshot_disabled: bool | Unknown = UNKNOWN
    snapshot_locked: bool | Unknown = UNKNOWN
    disabled_methods: tuple[str, ...] | Unknown = UNKNOWN
    change_tracking: bool | Unknown = UNKNOWN
    change_tracking_supported: bool | Unknown = UNKNOWN
    # Devices
    disks: tuple[DiskFacts, ...] | Unknown = UNKNOWN
    nics: tuple[NicFacts, ...] | Unknown = UNKNOWN
    devices: tuple[DeviceFacts, ...] | Unknown = UNKNOWN
    cd_drives: tuple[DeviceFacts, ...] | Unknown = UNKNOWN
    usb_devices: tuple[DeviceFacts, ...] | Unknown = UNKNOWN
    snapshots: tuple[SnapshotFacts, ...] | Unknown = UNKNOWN
    files: tuple[FileFacts, ...] | Unknown = UNKNOWN
    datastore_ids: tuple[str, ...] | Unknown = UNKNOWN
    network_ids: tuple[str, ...] | Unknown = UNKNOWN
    committed_bytes: int | Unknown = UNKNOWN
    unreadable: tuple[tuple[str, str], ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
