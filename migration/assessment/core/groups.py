"""Machines that belong together, as the components of a graph: whoever is moved alone breaks something.

Native ids are those of one source. What could not be read ties nobody; `untold` says for whom that is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from estate.facts.source import ClusterFacts, ContainerFacts, DiskFacts, NicFacts, VmFacts
from estate.facts.unknown import Unknown, is_known
from migration.assessment.core.context import normal_mac

VAPP = "vapp"


class TieKind(StrEnum):
    SHARED_DISK = "shared_disk"
    AFFINITY = "affinity"
    VM_GROUP = "vm_group"
    VAPP = "vapp"
    SAME_MAC = "same_mac"


@dataclass(frozen=True, slots=True)
class Tie:
    """One thing that several machines have in common. `what` is the disk's file or id, the rule's or vApp's name, the MAC."""

    kind: TieKind
    what: str
    machines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Machines (native ids) that are tied to each other, directly or by way of others, and every tie among them."""

    kinds: tuple[TieKind, ...]
    machines: tuple[str, ...]
    why: tuple[Tie, ...]


@dataclass(frozen=True, slots=True)
class KeptApart:
    """Machines that a rule in force keeps on different hosts."""

    rule: str
    cluster: str
    machines: tuple[str, ...]


def groups_of(
    vms: Sequence[VmFacts], clusters: Iterable[ClusterFacts], containers: Iterable[ContainerFacts]
) -> tuple[Group, ...]:
    """The groups of one source, in the order of their first machines. Machines in no group are not listed."""
    order = {vm.native_id: number for number, vm in enumerate(vms)}
    ties = [tie for tie in _ties(vms, clusters, containers, order) if len(tie.machines) > 1]
    leaders = _Leaders()
    for tie in ties:
        leaders.join(tie.machines)
    members: dict[str, list[str]] = {}
    for native_id in order:
        if native_id in leaders:
            members.setdefault(leaders.of(native_id), []).append(native_id)
    why: dict[str, list[Tie]] = {}
    for tie in ties:
        why.setdefault(leaders.of(tie.machines[0]), []).append(tie)
    return tuple(_group(machines, why[leader]) for leader, machines in members.items())


def _group(machines: list[str], ties: list[Tie]) -> Group:
    kinds = {tie.kind for tie in ties}
    return Group(tuple(kind for kind in TieKind if kind in kinds), tuple(machines), tuple(ties))


def kept_apart(vms: Iterable[VmFacts], clusters: Iterable[ClusterFacts]) -> tuple[KeptApart, ...]:
    """Anti-affinity rules with at least two of these machines; a rule nobody knows to be switched off counts."""
    known_ids = {vm.native_id for vm in vms}
    found = (
        KeptApart(rule.name, cluster.name, tuple(vm_id for vm_id in rule.vm_ids if vm_id in known_ids))
        for cluster in clusters
        if not isinstance(cluster.rules, Unknown)
        for rule in cluster.rules
        if rule.kind == "anti_affinity" and rule.enabled is not False
    )
    return tuple(each for each in found if len(each.machines) > 1)


def untold(vms: Iterable[VmFacts], clusters: Iterable[ClusterFacts]) -> tuple[str, ...]:
    """Machines that may be tied to others without anybody knowing: disks, NICs, vApp or the rules of their cluster are unread."""
    unread = {each.native_id for each in clusters if isinstance(each.rules, Unknown) or isinstance(each.groups, Unknown)}
    return tuple(vm.native_id for vm in vms if not _is_told(vm) or vm.cluster_id in unread)


def _is_told(vm: VmFacts) -> bool:
    if isinstance(vm.disks, Unknown) or isinstance(vm.nics, Unknown):
        return False
    facts = [vm.vapp_id, vm.cluster_id, *(disk.file_name for disk in vm.disks), *(nic.mac_address for nic in vm.nics)]
    return all(is_known(fact) for fact in facts)


def _ties(
    vms: Sequence[VmFacts],
    clusters: Iterable[ClusterFacts],
    containers: Iterable[ContainerFacts],
    order: Mapping[str, int],
) -> Iterator[Tie]:
    carried: dict[tuple[TieKind, str], dict[str, None]] = {}
    for vm in vms:
        for kind, what in _carried(vm):
            carried.setdefault((kind, what), {})[vm.native_id] = None
    yield from (Tie(kind, what, tuple(machines)) for (kind, what), machines in carried.items())
    for cluster in clusters:
        yield from _cluster_ties(cluster, order)
    yield from _vapp_ties(vms, containers, order)


def _carried(vm: VmFacts) -> Iterator[tuple[TieKind, str]]:
    """Files and ids of a machine's disks, and its MAC addresses."""
    disks: tuple[DiskFacts, ...] = () if isinstance(vm.disks, Unknown) else vm.disks
    nics: tuple[NicFacts, ...] = () if isinstance(vm.nics, Unknown) else vm.nics
    for disk in disks:
        for value in (disk.file_name, disk.disk_uuid):
            if is_known(value) and value.strip():
                yield TieKind.SHARED_DISK, value.strip().lower()
    for nic in nics:
        if is_known(nic.mac_address) and nic.mac_address.strip():
            yield TieKind.SAME_MAC, normal_mac(nic.mac_address)


def _cluster_ties(cluster: ClusterFacts, order: Mapping[str, int]) -> Iterator[Tie]:
    """Affinity rules, and groups of VMs that a rule names. A rule nobody knows to be switched off counts."""
    rules = () if isinstance(cluster.rules, Unknown) else cluster.rules
    in_force = [rule for rule in rules if rule.enabled is not False]
    for rule in in_force:
        if rule.kind == "affinity":
            yield Tie(TieKind.AFFINITY, rule.name, _listed(rule.vm_ids, order))
    named = {rule.vm_group for rule in in_force} - {""}
    for group in () if isinstance(cluster.groups, Unknown) else cluster.groups:
        if group.name in named:
            yield Tie(TieKind.VM_GROUP, group.name, _listed(group.vm_ids, order))


def _vapp_ties(vms: Iterable[VmFacts], containers: Iterable[ContainerFacts], order: Mapping[str, int]) -> Iterator[Tie]:
    """The machines of each outermost vApp; a vApp in a vApp is part of it."""
    vapps = {container.native_id: container for container in containers if container.kind == VAPP}
    members: dict[str, dict[str, None]] = {}
    for vm in vms:
        if is_known(vm.vapp_id) and vm.vapp_id is not None:
            members.setdefault(_outermost(vm.vapp_id, vapps), {})[vm.native_id] = None
    for vapp in vapps.values():
        members.setdefault(_outermost(vapp.native_id, vapps), {}).update(dict.fromkeys(vapp.member_ids))
    for vapp_id, machines in members.items():
        name = vapps[vapp_id].name if vapp_id in vapps else vapp_id
        yield Tie(TieKind.VAPP, name, _listed(machines, order))


def _outermost(vapp_id: str, vapps: Mapping[str, ContainerFacts]) -> str:
    """Parents are followed once each: a source that tells of a circle is not followed round it."""
    seen = {vapp_id}
    while vapp_id in vapps and (parent := vapps[vapp_id].parent_id) in vapps and parent not in seen:
        seen.add(parent)
        vapp_id = parent
    return vapp_id


def _listed(machines: Iterable[str], order: Mapping[str, int]) -> tuple[str, ...]:
    """Those that are machines of the inventory, each once, in its order."""
    return tuple(sorted({native_id for native_id in machines if native_id in order}, key=order.__getitem__))


class _Leaders:
    """Union-find: every machine leads to the one that stands for its component."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def __contains__(self, machine: str) -> bool:
        return machine in self._above

    def of(self, machine: str) -> str:
        """Halves the way on each walk, so that later walks are short."""
        above = self._above
        while above.setdefault(machine, machine) != machine:
            above[machine] = above[above[machine]]
            machine = above[machine]
        return machine

    def join(self, machines: Sequence[str]) -> None:
        first = self.of(machines[0])
        for machine in machines[1:]:
            self._above[self.of(machine)] = first
