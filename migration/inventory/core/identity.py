"""Which machine a VM is: decided from ids alone, never from names, and left to a person where ids are not unique.

A moref counts inside one vCenter, whoever tells it. An instance UUID counts across sources, but only where one VM on either
side has it: clones made by copying files share it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Seen:
    """What a machine's identity needs of a VM that a source shows; `instance_uuid` is empty when the source does not tell it."""

    native_id: str
    instance_uuid: str
    name: str = ""
    disk_count: int = 0


@dataclass(frozen=True, slots=True)
class Sighted:
    """A VM as it was seen before, and the machine it is. `vcenter` is its vCenter's own UUID, empty for none."""

    machine_id: UUID
    source_id: UUID
    vcenter: str
    native_id: str
    instance_uuid: str


@dataclass(frozen=True, slots=True)
class Same:
    """It is this machine."""

    machine_id: UUID


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody saw it before. With `candidates` a person has to say whether it is one of these; until then it is its own."""

    candidates: tuple[UUID, ...] = ()


Decision = Same | Fresh


def identify(seen: Collection[Seen], *, source_id: UUID, vcenter: str, sighted: Iterable[Sighted]) -> dict[str, Decision]:
    """The machine of every VM of one source, by native id. No machine is given to two of them."""
    sighted = list(sighted)
    by_moref = _by_moref(sighted, source_id, vcenter)
    certain = {vm.native_id: by_moref[vm.native_id] for vm in seen if vm.native_id in by_moref}
    claims = Counter(machine for machines in certain.values() for machine in machines)
    elsewhere = _by_uuid(sighted, source_id, vcenter, apart=claims.keys())
    by_instance = {vm.native_id: elsewhere.get(vm.instance_uuid, ()) for vm in seen if vm.native_id not in certain}
    # Two VMs with one UUID, or with two that one machine was seen under, have as good a claim each.
    claims += Counter(machine for machines in by_instance.values() for machine in machines)
    return {vm.native_id: _one(certain.get(vm.native_id) or by_instance.get(vm.native_id, ()), claims) for vm in seen}


def _by_moref(sighted: Iterable[Sighted], source_id: UUID, vcenter: str) -> Mapping[str, tuple[UUID, ...]]:
    """Machines by moref: what this source itself showed before goes before what others showed of the same vCenter."""
    own: dict[str, tuple[UUID, ...]] = {}
    others: defaultdict[str, set[UUID]] = defaultdict(set)
    for row in sighted:
        if row.source_id == source_id:
            own[row.native_id] = (row.machine_id,)
        elif vcenter and row.vcenter == vcenter:
            others[row.native_id].add(row.machine_id)
    used = {machine for machines in own.values() for machine in machines}
    free = {native_id: tuple(sorted(machines - used)) for native_id, machines in others.items()}
    return {native_id: machines for native_id, machines in free.items() if machines} | own


def _by_uuid(
    sighted: Iterable[Sighted], source_id: UUID, vcenter: str, *, apart: Collection[UUID]
) -> Mapping[str, tuple[UUID, ...]]:
    """Machines of other sources by instance UUID. Inside one vCenter another moref is another machine."""
    found: defaultdict[str, set[UUID]] = defaultdict(set)
    inside = {row.machine_id for row in sighted if row.source_id == source_id or (vcenter and row.vcenter == vcenter)}
    for row in sighted:
        if row.instance_uuid and row.machine_id not in inside and row.machine_id not in apart:
            found[row.instance_uuid].add(row.machine_id)
    return {uuid: tuple(sorted(machines)) for uuid, machines in found.items()}


def _one(machines: tuple[UUID, ...], claims: Mapping[UUID, int]) -> Decision:
    """The only machine with this moref or UUID, unless another VM has as good a claim to it."""
    return Same(machines[0]) if len(machines) == 1 and claims[machines[0]] == 1 else Fresh(machines)
