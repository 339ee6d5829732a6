"""Compares the adapter's facts with `typed`, kind by kind. Known answers must be equal; UNKNOWN must mean unset there."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from estate.connection import Connection
from estate.facts.source import ClusterFacts, DatastoreFacts, DiskFacts, HostFacts, NetworkFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown
from estate.vsphere import inventory
from estate.vsphere.session import VsphereSession
from tests.contract.vsphere import typed

Collected = dict[str, list[Any]]


def collected(connection: Connection, *, page_objects: int = 500) -> Collected:
    """The whole estate as the adapter reads it, by kind."""
    found: Collected = defaultdict(list)
    with VsphereSession(connection) as session:
        inventory.collect(session, on_page=lambda kind, facts: found[kind].extend(facts), page_objects=page_objects)
    return found


def assert_same_estate(connection: Connection, found: Collected) -> None:
    """Number and value of everything that both sides tell."""
    with typed.typed_session(connection) as instance:
        assert {h.native_id: _host(h) for h in found["host"]} == typed.hosts(instance)
        assert {c.native_id: _cluster(c) for c in found["cluster"]} == typed.clusters(instance)
        assert {d.native_id: _datastore(d) for d in found["datastore"]} == typed.datastores(instance)
        assert {n.native_id: _network(n) for n in found["network"]} == typed.networks(instance)
        assert {vm.native_id: _machine(vm) for vm in found["vm"]} == typed.machines(instance)


def known(value: Any) -> Any:
    return None if isinstance(value, Unknown) else value


def _host(host: HostFacts) -> Any:
    hardware = (host.cpu_model, host.cpu_cores, host.memory_bytes, host.vendor, host.model)
    head = (host.name, host.cluster_id, host.connection_state, host.in_maintenance, hardware, host.product)
    assert not isinstance(host.distributed_switches, Unknown)
    assert not isinstance(host.licensable, Unknown)
    switches = tuple((each.name, each.mtu, len(each.uplinks)) for each in host.distributed_switches)
    return (*head, host.datastore_ids, host.network_ids, host.cpu_hz, switches, dict(host.licensable))


def _cluster(cluster: ClusterFacts) -> Any:
    return (cluster.name, cluster.host_ids, cluster.datastore_ids, cluster.network_ids, cluster.root_pool_id)


def _datastore(store: DatastoreFacts) -> Any:
    head = (store.name, store.kind, store.capacity_bytes, store.free_bytes, store.accessible)
    return (*head, store.host_ids, store.vm_ids, store.thin_disks_possible)


def _network(network: NetworkFacts) -> Any:
    head = (network.name, network.is_distributed, network.portgroup_key, known(network.binding))
    return (*head, network.host_ids, network.vm_ids)


def _machine(vm: VmFacts) -> Any:
    head = (vm.name, vm.power_state, vm.connection_state, vm.host_id)
    if isinstance(vm.disks, Unknown):
        return (*head, None)
    assert not isinstance(vm.nics, Unknown)
    assert not isinstance(vm.snapshots, Unknown)
    return (
        *head,
        (vm.instance_uuid, vm.bios_uuid, known(vm.change_version), vm.is_template, vm.annotation),
        (vm.hardware_version, vm.firmware, vm.vcpus, vm.cores_per_socket, vm.memory_bytes),
        tuple(_disk(disk) for disk in vm.disks),
        tuple(_nic(nic) for nic in vm.nics),
        tuple((s.native_id, s.name, s.created_at, s.with_memory, s.depth) for s in vm.snapshots),
        vm.datastore_ids,
        known(vm.boot_time),
    )


def _disk(disk: DiskFacts) -> Any:
    head = (disk.device_key, disk.label, disk.capacity_bytes, disk.backing_type, disk.file_name)
    return (*head, known(disk.datastore_id), known(disk.thin), disk.mode, disk.address)


def _nic(nic: NicFacts) -> Any:
    head = (nic.device_key, nic.label, nic.mac_address, nic.network_id, nic.network_name)
    return (*head, nic.adapter, nic.address_type, nic.connected)
