"""Where everything hangs: the ids of an estate's objects and who belongs to whom.

Ids look like vCenter's and are the same in every run of a world. Values of properties are the shapes' business.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from pyVmomi import vim

from lab.vcenter_sim.machine import Machine, SnapshotNode
from lab.vcenter_sim.vm_state import first_boot
from lab.worlds.spec import EstateSpec

ROOT = "group-d1"
DATACENTER = "datacenter-3"
LAST_CHANGE = datetime.timedelta(days=319, hours=17)
FOLDERS = {"vm": "group-v4", "host": "group-h5", "datastore": "group-s6", "network": "group-n7"}


@dataclass(slots=True)
class Places:
    """References by name, and the machines by id."""

    estate: EstateSpec
    clusters: dict[str, vim.ClusterComputeResource] = field(default_factory=dict)
    pools: dict[str, vim.ResourcePool] = field(default_factory=dict)
    hosts: dict[str, vim.HostSystem] = field(default_factory=dict)
    datastores: dict[str, vim.Datastore] = field(default_factory=dict)
    pods: dict[str, vim.StoragePod] = field(default_factory=dict)
    networks: dict[str, vim.Network] = field(default_factory=dict)
    switches: dict[str, vim.DistributedVirtualSwitch] = field(default_factory=dict)
    vm_folders: dict[str, vim.Folder] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)

    def cluster_hosts(self, cluster: str) -> list[vim.HostSystem]:
        """References of the hosts of a cluster, in order."""
        return [self.hosts[host.name] for host in self.estate.hosts if host.cluster == cluster]

    def machines_on(self, host: str) -> list[Machine]:
        """The VMs placed on a host."""
        return [machine for machine in self.machines.values() if machine.spec.host == host]

    def machine_named(self, name: str) -> Machine | None:
        """The VM with this name or managed object id."""
        if name in self.machines:
            return self.machines[name]
        return next((machine for machine in self.machines.values() if machine.spec.name == name), None)

    def cluster_of(self, host: str) -> str:
        """Name of the cluster a host is in."""
        return next(spec.cluster for spec in self.estate.hosts if spec.name == host)


def lay_out(estate: EstateSpec, now: datetime.datetime) -> Places:
    """Give every object of `estate` its id; boots, changes and snapshots lie before the day of `now` (aware UTC)."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    places = Places(estate)
    for number, cluster in enumerate(estate.clusters):
        places.clusters[cluster.name] = vim.ClusterComputeResource(f"domain-c{20 + 10 * number}")
        places.pools[cluster.name] = vim.ResourcePool(f"resgroup-{21 + 10 * number}")
    places.hosts = {host.name: vim.HostSystem(f"host-{1001 + number}") for number, host in enumerate(estate.hosts)}
    places.datastores = {one.name: vim.Datastore(f"datastore-{5001 + number}") for number, one in enumerate(estate.datastores)}
    pods = dict.fromkeys(one.pod for one in estate.datastores if one.pod)
    places.pods = {name: vim.StoragePod(f"group-p{5501 + number}") for number, name in enumerate(pods)}
    places.switches = {name: vim.dvs.VmwareDistributedVirtualSwitch(f"dvs-{6001 + n}") for n, name in enumerate(estate.dvs_names)}
    for number, network in enumerate(estate.networks):
        kind, prefix = (vim.dvs.DistributedVirtualPortgroup, "dvportgroup") if network.dvs else (vim.Network, "network")
        places.networks[network.name] = kind(f"{prefix}-{7001 + number}")
    names = dict.fromkeys(vm.folder for vm in estate.vms if vm.folder)
    places.vm_folders = {name: vim.Folder(f"group-v{8001 + number}") for number, name in enumerate(names)}
    places.vm_folders[""] = vim.Folder(FOLDERS["vm"])
    for number in range(len(estate.vms)):
        _place_machine(places, number, today)
    return places


def _place_machine(places: Places, number: int, today: datetime.datetime) -> None:
    spec = places.estate.vms[number]
    machine = Machine(
        spec=spec,
        estate=places.estate,
        number=101 + number,
        folder=places.vm_folders[spec.folder],
        host=places.hosts[spec.host],
        resource_pool=None if spec.template else places.pools[places.cluster_of(spec.host)],
        datastores=places.datastores,
        networks=places.networks,
        modified=today - LAST_CHANGE,
        annotation=spec.annotation,
    )
    if spec.powered_on:
        machine.powered_on, machine.boot_time = True, first_boot(machine, today)
    for index, name in enumerate(spec.snapshots):
        parent = machine.snapshots[-1].moid if machine.snapshots else ""
        moid = f"snapshot-{9000 + 100 * number + index}"
        machine.snapshots.append(SnapshotNode(moid, index + 1, name, "", machine.modified, parent, False, "poweredOff"))
    places.machines[machine.moid] = machine
