"""Builders of source facts with sane defaults: a test shows only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from estate.facts.source import (
    AllocationFacts,
    ClusterFacts,
    ContainerFacts,
    DatastoreFacts,
    DeviceFacts,
    DiskBacking,
    DiskFacts,
    GuestDiskFacts,
    GuestNicFacts,
    HostFacts,
    NetworkFacts,
    NicFacts,
    PowerState,
    SnapshotFacts,
    SourceAbout,
    SwitchFacts,
    VmFacts,
)

GIB = 1 << 30
SEEN_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
UNLIMITED = AllocationFacts(reservation=0, limit=None, shares_level="normal")


def a_disk(number: int = 0, **changes: Any) -> DiskFacts:
    """A flat thin disk of 10 GiB on datastore `datastore-1`, attached to a paravirtual SCSI controller."""
    disk = DiskFacts(
        device_key=2000 + number,
        label=f"Hard disk {number + 1}",
        capacity_bytes=10 * GIB,
        backing=DiskBacking.FLAT,
        file_name=f"[san-a] app/app_{number}.vmdk",
        datastore_id="datastore-1",
        thin=True,
        mode="persistent",
        sharing="sharingNone",
        controller_type="ParaVirtualSCSIController",
        controller_shared_bus="noSharing",
        bus_number=0,
        unit_number=number,
        disk_uuid=f"6000c29{number:025x}",
        datastore_name="san-a",
        encrypted=False,
        has_parent=False,
        chain_length=1,
        native_linked_clone=False,
        change_id=f"52 de ad/{number + 1}",
        vdisk_id=None,
        io_filters=(),
        vflash_reservation_bytes=0,
        allocation=UNLIMITED,
    )
    return replace(disk, **changes)


def _own_disk(name: str) -> DiskFacts:
    """A first disk that no other machine has: file and UUID follow the machine's name; the nameless machine's is `a_disk()`."""
    if name == "app-01":
        return a_disk()
    return a_disk(file_name=f"[san-a] {name}/{name}.vmdk", disk_uuid=f"6000c29{name.encode().hex():0>25}"[:64])


def a_nic(number: int = 0, **changes: Any) -> NicFacts:
    """A connected vmxnet3 NIC on network `VM Network`."""
    nic = NicFacts(
        device_key=4000 + number,
        label=f"Network adapter {number + 1}",
        mac_address=f"00:50:56:aa:00:{number:02x}",
        network_id="network-1",
        network_name="VM Network",
        adapter="VirtualVmxnet3",
        address_type="assigned",
        connected=True,
        start_connected=True,
        switch_name="vSwitch0",
        backing_type="VirtualEthernetCardNetworkBackingInfo",
        direct_path=False,
    )
    return replace(nic, **changes)


def a_device(kind: str = "VirtualCdrom", number: int = 0, **changes: Any) -> DeviceFacts:
    """Another device without backing, not connected."""
    return replace(DeviceFacts(9000 + number, kind, kind, "", backing=None, connected=False), **changes)


def a_guest_nic(number: int = 0, **changes: Any) -> GuestNicFacts:
    """What Tools see of `a_nic`: one address from DHCP."""
    nic = GuestNicFacts(
        device_key=4000 + number,
        mac_address=f"00:50:56:aa:00:{number:02x}",
        network_name="VM Network",
        connected=True,
        ip_addresses=(f"192.0.2.{10 + number}",),
        origins=("dhcp",),
        prefix_lengths=(24,),
        dhcp=True,
    )
    return replace(nic, **changes)


def a_guest_disk(path: str = "C:\\", **changes: Any) -> GuestDiskFacts:
    """A volume of 10 GiB, half of it free, on the first disk."""
    return replace(GuestDiskFacts(path, 10 * GIB, 5 * GIB, (2000,)), **changes)


def a_snapshot(number: int = 1) -> SnapshotFacts:
    return SnapshotFacts(f"snapshot-{number}", f"before patch {number}", SEEN_AT, with_memory=False, depth=number)


_PLAIN_VM: dict[str, Any] = {
    "power_state": PowerState.OFF,
    "connection_state": "connected",
    "boot_time": None,
    "suspended_at": None,
    "modified_at": SEEN_AT,
    "vmx_path": "[store] app/app.vmx",
    "network_ids": ("network-1",),
    "files": (),
    "alternate_guest_name": None,
    "guest_family": "windowsGuest",
    "guest_ip_address": "10.0.0.9",
    "guest_dns_servers": ("10.0.0.53",),
    "guest_gateways": ("10.0.0.1",),
    "tools_version": "12352",
    "tools_upgrade_policy": "manual",
    "tools_time_sync": False,
    "guest_operations_ready": True,
    "guest_state_change_supported": True,
    "memory_locked": False,
    "performance_counters": False,
    "npiv_wwns": (),
    "change_version": "2026-11-20T08:00:00Z",
    "is_template": False,
    "managed_by": None,
    "folder_path": "DC1/vm/Servers",
    "host_id": "host-1",
    "cluster_id": "domain-c1",
    "guest_id": "windows2019srv_64Guest",
    "guest_full_name": "Microsoft Windows Server 2019 (64-bit)",
    "tools_running": True,
    "tools_status": "guestToolsCurrent",
    "tools_version_status": "guestToolsCurrent",
    "created_at": SEEN_AT,
    "question": None,
    "failover_in_progress": False,
    "suspended_to_memory": False,
    "paused": False,
    "resource_pool_id": None,
    "vapp_id": None,
    "custom_values": (),
    "tags": (),
    "configured_guest_id": "windows2019srv_64Guest",
    "configured_guest_full_name": "Microsoft Windows Server 2019 (64-bit)",
    "reported_guest_id": "windows2019srv_64Guest",
    "reported_guest_full_name": "Microsoft Windows Server 2019 (64-bit)",
    "guest_detailed_data": None,
    "guest_nics": (a_guest_nic(),),
    "guest_disks": (a_guest_disk(),),
    "cpu_hot_add": False,
    "cpu_hot_remove": False,
    "memory_hot_add": False,
    "cpu_allocation": UNLIMITED,
    "memory_allocation": UNLIMITED,
    "cpu_affinity": (),
    "memory_affinity": (),
    "latency_sensitivity": "normal",
    "nested_hv": False,
    "vbs": False,
    "vvtd": False,
    "min_evc_mode": None,
    "confidential": (),
    "pmem": False,
    "ballooned_bytes": 0,
    "swapped_bytes": 0,
    "active_memory_bytes": GIB,
    "boot_order": (),
    "network_boot_protocol": None,
    "encrypted": False,
    "disk_uuid_enabled": False,
    "extra_config": (("ctkEnabled", "TRUE"), ("scsi0:0.ctkEnabled", "TRUE")),
    "replicated": False,
    "forked": False,
    "vflash_reservation_bytes": 0,
    "has_ovf_properties": False,
    "disk_chain_broken": False,
    "snapshot_disabled": False,
    "snapshot_locked": False,
    "disabled_methods": (),
    "change_tracking": True,
    "change_tracking_supported": True,
    "devices": (),
    "hardware_version": "vmx-19",
    "firmware": "efi",
    "secure_boot": False,
    "vcpus": 2,
    "cores_per_socket": 1,
    "memory_bytes": 4 * GIB,
    "ft_state": "notConfigured",
    "ft_configured": False,
    "consolidation_needed": False,
    "crypto_state": None,
    "has_vtpm": False,
    "nics": (a_nic(),),
    "snapshots": (),
    "datastore_ids": ("datastore-1",),
    "committed_bytes": 4 * GIB,
}
"""What is the same for every machine made here: nothing of it stands against a move."""


def a_vm(name: str = "app-01", **changes: Any) -> VmFacts:
    """A powered-off Windows Server 2019 that nothing stands against: one disk, one NIC, EFI, every fact known."""
    vm = VmFacts(
        native_id=changes.pop("native_id", f"vm-{name}"),
        name=name,
        instance_uuid=f"5012-{name}",
        bios_uuid=f"4212-{name}",
        guest_host_name=name,
        disks=(_own_disk(name),),
        **_PLAIN_VM,
    )
    return replace(vm, **changes)


def a_host(number: int = 1, **changes: Any) -> HostFacts:
    host = HostFacts(
        native_id=f"host-{number}",
        name=f"esx{number}.corp.example",
        cluster_id="domain-c1",
        connection_state="connected",
        in_maintenance=False,
        cpu_cores=16,
        memory_bytes=256 * GIB,
        datastore_ids=("datastore-1",),
        network_ids=("network-1",),
    )
    return replace(host, **changes)


def a_cluster(**changes: Any) -> ClusterFacts:
    return replace(ClusterFacts("domain-c1", "Cluster A", drs_enabled=True, ha_enabled=True, host_ids=("host-1",)), **changes)


def a_datastore(name: str = "san-a", **changes: Any) -> DatastoreFacts:
    store = DatastoreFacts(
        "datastore-1", name, "VMFS", capacity_bytes=1000 * GIB, free_bytes=400 * GIB, accessible=True, host_ids=("host-1",)
    )
    return replace(store, **changes)


def a_network(name: str = "VM Network", **changes: Any) -> NetworkFacts:
    """A standard port group on VLAN 100 with the strict policies and an MTU of 1500."""
    network = NetworkFacts(
        "network-1",
        name,
        is_opaque=False,
        switch_id=None,
        switch_name="vSwitch0",
        vlan="100",
        is_trunk=False,
        is_private_vlan=False,
        is_uplink=False,
        binding=None,
        mtu=1500,
        promiscuous=False,
        forged_transmits=False,
        mac_changes=False,
        host_ids=("host-1",),
    )
    return replace(network, **changes)


def a_switch(number: int = 1, **changes: Any) -> SwitchFacts:
    """A distributed switch without private VLANs."""
    switch = SwitchFacts(f"dvs-{number}", f"DSwitch {number}", f"50 1{number}", 1500, private_vlans=(), host_ids=("host-1",))
    return replace(switch, **changes)


def a_container(kind: str = "ResourcePool", number: int = 1, **changes: Any) -> ContainerFacts:
    """A container without limits or members."""
    return replace(ContainerFacts(f"{kind}-{number}", f"{kind} {number}", kind, limited=False), **changes)


def a_source_about(**changes: Any) -> SourceAbout:
    about = SourceAbout("VMware vCenter Server", "8.0.2.0", "22385739", "c0ffee00-0000-4000-8000-000000000001", is_vcenter=True)
    return replace(about, **changes)
