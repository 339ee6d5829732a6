"""Hanging an estate's objects into the registry, each with its properties.

One function per kind, each a table from property to value. Singletons such as the session manager are in service.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pyVmomi import vim

from lab.vcenter_sim import cluster_shape, host_shape, storage_shape, vm_config, vm_state
from lab.vcenter_sim.devices import dvs_uuid
from lab.vcenter_sim.machine import Machine
from lab.vcenter_sim.mobs import Registry, Shape
from lab.vcenter_sim.neutral import make
from lab.vcenter_sim.places import DATACENTER, FOLDERS, ROOT, Places
from lab.worlds.spec import ClusterSpec, DatastoreSpec, HostSpec, NetworkSpec

Certificate = Callable[[str], tuple[str, bytes]]  # host name -> SHA-1 thumbprint, PEM
CHILD_TYPES = {"vm": vim.VirtualMachine, "host": vim.ComputeResource, "datastore": vim.Datastore, "network": vim.Network}


def hang(places: Places, registry: Registry, certificate: Certificate) -> None:
    """Register everything that has a name and a place."""
    _hang_folders(places, registry)
    for cluster in places.estate.clusters:
        registry.add(vim.ClusterComputeResource, places.clusters[cluster.name]._moId, _cluster(places, cluster))
        registry.add(vim.ResourcePool, places.pools[cluster.name]._moId, _resource_pool(places, cluster))
    for number, host in enumerate(places.estate.hosts, start=1):
        registry.add(vim.HostSystem, places.hosts[host.name]._moId, _host(places, host, number, certificate))
    for datastore in places.estate.datastores:
        registry.add(vim.Datastore, places.datastores[datastore.name]._moId, _datastore(places, datastore))
    for name, pod in places.pods.items():
        registry.add(vim.StoragePod, pod._moId, _pod(places, name))
    for name, ref in places.switches.items():
        registry.add(type(ref), ref._moId, _switch(places, name))
    for network in places.estate.networks:
        network_ref = places.networks[network.name]
        registry.add(type(network_ref), network_ref._moId, _network(places, network))
    for machine in places.machines.values():
        registry.add(vim.VirtualMachine, machine.moid, virtual_machine(machine))
        for node in machine.snapshots:
            registry.add(vim.vm.Snapshot, node.moid, snapshot(machine))


def _entity(name: str, parent: Any, **own: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
    common: dict[str, Callable[[], Any]] = {
        "name": lambda: name,
        "parent": lambda: parent,
        "overallStatus": lambda: "green",
        "configStatus": lambda: "green",
        "effectiveRole": lambda: [-1],
    }
    return common | own


def _hang_folders(places: Places, registry: Registry) -> None:
    datacenter, root = vim.Datacenter(DATACENTER), vim.Folder(ROOT)
    kinds = [vim.Folder, vim.Datacenter]
    registry.add(vim.Folder, ROOT, _entity("Datacenters", None, childEntity=lambda: [datacenter], childType=lambda: kinds))
    tops = {f"{name}Folder": partial(vim.Folder, moid) for name, moid in FOLDERS.items()}
    lists = {
        "datastore": lambda: list(places.datastores.values()),
        "network": lambda: list(places.networks.values()),
    }
    registry.add(vim.Datacenter, DATACENTER, _entity(places.estate.datacenter, root, **tops, **lists))
    for name, moid in FOLDERS.items():
        shape = _entity(
            name,
            datacenter,
            childEntity=partial(_children, places, name),
            childType=partial(list, [vim.Folder, CHILD_TYPES[name]]),
        )
        registry.add(vim.Folder, moid, shape)
    for name, ref in places.vm_folders.items():
        if name:
            inside = partial(_machines_in, places, name)
            registry.add(vim.Folder, ref._moId, _entity(name, vim.Folder(FOLDERS["vm"]), childEntity=inside))


def _children(places: Places, folder: str) -> list[Any]:
    if folder == "vm":
        return [ref for name, ref in places.vm_folders.items() if name] + _machines_in(places, "")
    if folder == "host":
        return list(places.clusters.values())
    if folder == "datastore":
        return [*places.pods.values(), *_stores_in(places, "")]
    return [*places.switches.values(), *places.networks.values()]


def _stores_in(places: Places, pod: str) -> list[Any]:
    return [places.datastores[one.name] for one in places.estate.datastores if one.pod == pod]


def _machines_in(places: Places, folder: str) -> list[Any]:
    return [machine.ref for machine in places.machines.values() if machine.spec.folder == folder]


def _seen_datastores(places: Places, cluster: str) -> list[Any]:
    return [places.datastores[one.name] for one in places.estate.datastores if cluster in one.clusters]


def _seen_networks(places: Places, cluster: str) -> list[Any]:
    return [places.networks[one.name] for one in places.estate.networks if not one.clusters or cluster in one.clusters]


def _cluster(places: Places, spec: ClusterSpec) -> Shape:
    hosts = [host for host in places.estate.hosts if host.cluster == spec.name]
    vms = {machine.spec.name: machine.ref for machine in places.machines.values()}
    return _entity(
        spec.name,
        vim.Folder(FOLDERS["host"]),
        host=lambda: places.cluster_hosts(spec.name),
        datastore=lambda: _seen_datastores(places, spec.name),
        network=lambda: _seen_networks(places, spec.name),
        resourcePool=lambda: places.pools[spec.name],
        configuration=lambda: cluster_shape.configuration(spec),
        configurationEx=lambda: cluster_shape.configuration_ex(spec, vms),
        summary=lambda: cluster_shape.summary(hosts),
    )


def _resource_pool(places: Places, spec: ClusterSpec) -> Shape:
    ref = places.pools[spec.name]
    owner = places.clusters[spec.name]
    return _entity(
        "Resources",
        owner,
        owner=lambda: owner,
        resourcePool=list,
        vm=lambda: [machine.ref for machine in places.machines.values() if machine.resource_pool is ref],
        config=lambda: cluster_shape.pool_config(ref),
    )


def _host(places: Places, spec: HostSpec, number: int, certificate: Certificate) -> Shape:
    ref = places.hosts[spec.name]
    return _entity(
        spec.name,
        places.clusters[spec.cluster],
        datastore=lambda: _seen_datastores(places, spec.cluster),
        network=lambda: _seen_networks(places, spec.cluster),
        vm=lambda: [machine.ref for machine in places.machines_on(spec.name)],
        runtime=host_shape.runtime,
        summary=lambda: host_shape.summary(spec, number, ref, certificate(spec.name)[0]),
        hardware=lambda: host_shape.hardware(spec, number),
        config=lambda: host_shape.config(spec, number, places.estate, certificate(spec.name)[1]),
        licensableResource=host_shape.licensable,
    )


def _datastore(places: Places, spec: DatastoreSpec) -> Shape:
    ref = places.datastores[spec.name]
    return _entity(
        spec.name,
        places.pods[spec.pod] if spec.pod else vim.Folder(FOLDERS["datastore"]),
        summary=lambda: storage_shape.datastore_summary(spec, ref),
        info=lambda: storage_shape.datastore_info(spec),
        capability=storage_shape.datastore_capability,
        browser=lambda: vim.host.DatastoreBrowser(f"datastoreBrowser-{ref._moId}"),
        host=lambda: _mounts(places, spec),
        vm=lambda: [m.ref for m in places.machines.values() if spec.name in {disk.datastore for disk in m.spec.disks}],
    )


def _pod(places: Places, name: str) -> Shape:
    inside = [one for one in places.estate.datastores if one.pod == name]
    return _entity(
        name,
        vim.Folder(FOLDERS["datastore"]),
        childEntity=lambda: _stores_in(places, name),
        childType=lambda: [vim.Datastore],
        summary=lambda: storage_shape.pod_summary(name, inside),
    )


def _mounts(places: Places, spec: DatastoreSpec) -> list[Any]:
    path = f"/vmfs/volumes/{storage_shape.datastore_uuid(spec.name)}"
    info = make(vim.host.MountInfo, path=path, accessMode="readWrite", mounted=True, accessible=True)
    hosts = [host for host in places.estate.hosts if host.cluster in spec.clusters]
    return [make(vim.Datastore.HostMount, key=places.hosts[host.name], mountInfo=info) for host in hosts]


def _switch(places: Places, name: str) -> Shape:
    groups = [places.networks[network.name] for network in places.estate.networks if network.dvs == name]
    return _entity(
        name,
        vim.Folder(FOLDERS["network"]),
        uuid=lambda: dvs_uuid(name),
        portgroup=lambda: groups,
        config=lambda: cluster_shape.switch_config(name, groups),
    )


def _network(places: Places, spec: NetworkSpec) -> Shape:
    ref = places.networks[spec.name]
    hosts = [host for host in places.estate.hosts if not spec.clusters or host.cluster in spec.clusters]
    shape = _entity(
        spec.name,
        vim.Folder(FOLDERS["network"]),
        host=lambda: [places.hosts[host.name] for host in hosts],
        vm=lambda: [m.ref for m in places.machines.values() if spec.name in {nic.network for nic in m.spec.nics}],
        summary=lambda: make(vim.Network.Summary, network=ref, name=spec.name, accessible=True),
    )
    if spec.dvs:
        switch = places.switches[spec.dvs]
        shape["key"] = lambda: ref._moId
        shape["config"] = lambda: cluster_shape.port_group_config(spec, ref._moId, switch)
    return shape


def virtual_machine(machine: Machine) -> Shape:
    """The properties of a VM; all read the machine's present state."""
    return _entity(
        machine.spec.name.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c"),
        machine.folder,
        resourcePool=lambda: machine.resource_pool,
        datastore=lambda: [machine.datastores[n] for n in dict.fromkeys(d.datastore for d in machine.spec.disks)],
        network=lambda: [machine.networks[n] for n in dict.fromkeys(nic.network for nic in machine.spec.nics)],
        customValue=lambda: custom_values(machine),
        value=lambda: custom_values(machine),
        config=lambda: vm_config.config(machine),
        capability=lambda: vm_config.capability(machine),
        layoutEx=lambda: vm_config.layout(machine),
        runtime=lambda: vm_state.runtime(machine),
        guest=lambda: vm_state.guest(machine),
        summary=lambda: vm_state.summary(machine),
        snapshot=lambda: vm_state.snapshot_info(machine),
        guestHeartbeatStatus=lambda: "green" if machine.tools_running else "gray",
    )


def custom_values(machine: Machine) -> list[Any]:
    """Custom attribute values; their names are in CustomFieldsManager.field."""
    keys = {name: 401 + number for number, name in enumerate(machine.estate.custom_fields)}
    kind = vim.CustomFieldsManager.StringValue
    return [make(kind, key=keys[name], value=value) for name, value in machine.spec.custom]


def snapshot(machine: Machine) -> Shape:
    """The properties of a snapshot: the VM's configuration as it was taken."""
    return {"vm": lambda: machine.ref, "config": lambda: vm_config.config(machine)}
