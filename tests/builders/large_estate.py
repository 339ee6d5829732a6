"""A large estate as facts, the same every time: for benches of sources that are files."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from estate.facts.source import ClusterFacts, DatastoreFacts, HostFacts, NetworkFacts, PowerState, SnapshotFacts
from tests.builders.estate import GIB, SEEN_AT, UNLIMITED, a_disk, a_guest_disk, a_guest_nic, a_nic, a_vm

HOSTS_PER_CLUSTER, STORES = 25, 100
_GUESTS = (
    "Microsoft Windows Server 2019 (64-bit)",
    "Red Hat Enterprise Linux 8 (64-bit)",
    "Ubuntu Linux (64-bit)",
    "Microsoft Windows Server 2016 (64-bit)",
)


def large_estate(vms: int, hosts: int = 250) -> dict[str, list[Any]]:
    """Facts by kind: every machine with two disks, two NICs, two volumes; every twentieth with a snapshot."""
    clusters = hosts // HOSTS_PER_CLUSTER
    return {
        "host": [_host(number) for number in range(hosts)],
        "cluster": [ClusterFacts(f"domain-c{n}", f"cluster-{n}", True, "fullyAutomated", True, False) for n in range(clusters)],
        "datastore": [_store(number, hosts) for number in range(STORES)],
        "network": [_network(number) for number in range(200)],
        "vm": [_vm(number, hosts) for number in range(vms)],
    }


def _host(number: int) -> HostFacts:
    cluster = f"domain-c{number // HOSTS_PER_CLUSTER}"
    return HostFacts(
        native_id=f"host-{number}",
        name=f"esx{number:03}.example",
        cluster_id=cluster,
        cpu_model="Intel(R) Xeon(R) Gold 6338",
        cpu_sockets=2,
        cpu_cores=64,
        cpu_threads=128,
        memory_bytes=1024 * GIB,
        product="VMware ESXi 8.0.2 build-22380479",
    )


def _store(number: int, hosts: int) -> DatastoreFacts:
    return DatastoreFacts(
        native_id=f"datastore-{number}",
        name=f"vmfs-{number:03}",
        kind="VMFS",
        capacity_bytes=16384 * GIB,
        free_bytes=4096 * GIB,
        accessible=True,
        host_ids=tuple(f"host-{each}" for each in range(number % HOSTS_PER_CLUSTER, hosts, HOSTS_PER_CLUSTER)),
    )


def _network(number: int) -> NetworkFacts:
    native_id, vlan = f"dvportgroup-{number}", str(100 + number)
    return NetworkFacts(native_id, f"dv-{number:03}", is_distributed=True, switch_name="dvs-1", vlan=vlan)


def _vm(number: int, hosts: int) -> Any:
    name, host = f"app{number:05}", number % hosts
    guest = _GUESTS[number % len(_GUESTS)]
    snapshot = SnapshotFacts(f"{name}-Snapshot1.vmsn", "before patch", SEEN_AT, with_memory=False)
    return a_vm(
        name,
        native_id=f"vm-{number}",
        instance_uuid=f"5012{number:08x}-0000-4000-8000-000000000001",
        bios_uuid=f"4212{number:08x}-0000-4000-8000-000000000002",
        power_state=PowerState.ON if number % 4 else PowerState.OFF,
        boot_time=SEEN_AT if number % 4 else None,
        host_id=f"host-{host}",
        cluster_id=f"domain-c{host // HOSTS_PER_CLUSTER}",
        hardware_version="vmx-19",
        memory_bytes=(4 + number % 60) * GIB,
        vcpus=1 + number % 16,
        configured_guest_full_name=guest,
        reported_guest_full_name=guest,
        annotation=f"Machine of team {number % 40}, ordered by ticket {number * 7}",
        disks=tuple(_disk(name, number, unit) for unit in range(2)),
        nics=tuple(_nic(number, unit) for unit in range(2)),
        guest_nics=tuple(a_guest_nic(unit) for unit in range(2)),
        guest_disks=(a_guest_disk("C:\\"), a_guest_disk("D:\\")),
        snapshots=(snapshot,) if number % 20 == 0 else (),
        cpu_allocation=UNLIMITED,
        memory_allocation=UNLIMITED,
    )


def _disk(name: str, number: int, unit: int) -> Any:
    store, suffix = number % STORES, f"_{unit}" if unit else ""
    disk = a_disk(unit, capacity_bytes=(40 + number % 200) * GIB, file_name=f"[vmfs-{store:03}] {name}/{name}{suffix}.vmdk")
    return replace(disk, datastore_id=f"datastore-{store}", disk_uuid=f"6000c29{number:020x}{unit:05x}")


def _nic(number: int, unit: int) -> Any:
    network = (number + unit) % 200
    mac = f"00:50:56:{0x80 + 0x10 * unit + (number >> 16 & 0xF):02x}:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}"
    addresses = (f"10.{unit}.{number >> 8 & 0xFF}.{number & 0xFF}",)
    nic = a_nic(unit, network_id=f"dvportgroup-{network}", network_name=f"dv-{network:03}", switch_name="dvs-1")
    return replace(nic, mac_address=mac, ip_addresses=addresses)
