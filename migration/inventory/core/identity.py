"""Which machine a VM is: decided from ids alone, never from names, and left to a person where ids are not unique.

A moref counts inside one vCenter, whoever tells it; another vCenter behind the same address, or another vCenter's workbook in
the same source, gives it to another VM. An instance UUID counts across sources, but only where one VM on either side has it:
clones made by copying files share it. Where a side tells no instance UUID, a BIOS UUID or a MAC address is a reason to ask,
never to join.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """What a machine's identity needs of a VM that a source shows; ids that the source does not tell are empty.

    `hardware_ids` are its BIOS UUID and the MAC addresses of its NICs, in lower case.
    """

    native_id: str
    instance_uuid: str
    name: str = ""
    disk_count: int = 0
    hardware_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighted:
    """A VM as it was seen before, and the machine it is. Its moref counts in the vCenter of UUID `vcenter`, empty for unknown."""

    machine_id: UUID
    source_id: UUID
    vcenter: str
    native_id: str
    instance_uuid: str
    hardware_ids: tuple[str, ...] = ()

    @property
    def is_superseded(self) -> bool:
        """Whether its source gave its moref to another VM since."""
        return bool(self._scope) and self.native_id.endswith(f"@{self._scope}")

    @property
    def moref(self) -> str:
        """The native id as its vCenter tells it, without what `superseded` put behind it."""
        return self.native_id.removesuffix(f"@{self._scope}") if self.is_superseded else self.native_id

    @property
    def superseded(self) -> str:
        """The native id under which it is kept when its source gave its moref to another VM; a very long one as its hash."""
        if self.is_superseded:
            return self.native_id
        named = f"{self.native_id}@{self._scope}"
        return named if len(named) <= LONGEST_ID else f"{sha256(self.native_id.encode()).hexdigest()}@{self._scope}"

    @property
    def _scope(self) -> str:
        return self.vcenter or self.instance_uuid


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
    by_moref = _by_moref(seen, sighted, source_id, vcenter)
    certain = {vm.native_id: by_moref[vm.native_id] for vm in seen if vm.native_id in by_moref}
    claims = Counter(machine for machines in certain.values() for machine in machines)
    inside = {row.machine_id for row in sighted if _is_inside(row, source_id, vcenter)}
    elsewhere = [row for row in sighted if row.machine_id not in inside and row.machine_id not in claims]
    by_uuid = _by_id((row.instance_uuid, row) for row in elsewhere if row.instance_uuid)
    by_instance = {vm.native_id: by_uuid.get(vm.instance_uuid, ()) for vm in seen if vm.native_id not in certain}
    # Two VMs with one UUID, or with two that one machine was seen under, have as good a claim each.
    claims += Counter(machine for machines in by_instance.values() for machine in machines)
    found = {vm.native_id: _one(certain.get(vm.native_id) or by_instance.get(vm.native_id, ()), claims) for vm in seen}
    taken = {decision.machine_id for decision in found.values() if isinstance(decision, Same)}
    unknown = [vm for vm in seen if found[vm.native_id] == Fresh()]
    perhaps = _same_moref(unknown, sighted, source_id, vcenter), _same_hardware(unknown, elsewhere)
    return found | {
        vm.native_id: Fresh(tuple(sorted({*perhaps[0][vm.native_id], *perhaps[1][vm.native_id]} - taken))) for vm in unknown
    }


def _is_vouched(row: Sighted, vcenter: str) -> bool:
    """Whether one vCenter stands for both morefs: then they mean the same VM, whatever else it is called now."""
    return bool(vcenter) and row.vcenter == vcenter


def _is_own(row: Sighted, source_id: UUID, vcenter: str) -> bool:
    """Whether the source's own moref may still mean what it meant: not if it is known to show another vCenter now."""
    return row.source_id == source_id and not row.is_superseded and (not vcenter or not row.vcenter)


def _is_inside(row: Sighted, source_id: UUID, vcenter: str) -> bool:
    """Inside one vCenter another moref is another machine."""
    return _is_vouched(row, vcenter) or _is_own(row, source_id, vcenter)


def _is_still(row: Sighted, vm: Seen, vcenter: str) -> bool:
    """Whether a source's moref is the VM it was. Where no vCenter vouches for it, another instance UUID is another VM."""
    if _is_vouched(row, vcenter):
        return True
    agrees = not row.instance_uuid or not vm.instance_uuid or row.instance_uuid == vm.instance_uuid
    return _is_own(row, row.source_id, vcenter) and agrees


def _by_moref(seen: Iterable[Seen], sighted: Iterable[Sighted], source_id: UUID, vcenter: str) -> Mapping[str, tuple[UUID, ...]]:
    """Machines by moref: what this source itself showed before goes before what others showed of the same vCenter."""
    shown = {vm.native_id: vm for vm in seen}
    own: dict[str, tuple[UUID, ...]] = {}
    vouched: defaultdict[str, set[UUID]] = defaultdict(set)
    for row in sorted(sighted, key=lambda row: (not _is_vouched(row, vcenter), row.is_superseded)):
        if row.source_id != source_id:
            if _is_vouched(row, vcenter):
                vouched[row.moref].add(row.machine_id)
        elif (vm := shown.get(row.moref)) and _is_still(row, vm, vcenter):
            own.setdefault(row.moref, (row.machine_id,))
    used = {row.machine_id for row in sighted if row.source_id == source_id and _is_inside(row, source_id, vcenter)}
    free = {native_id: tuple(sorted(machines - used)) for native_id, machines in vouched.items()}
    return {native_id: machines for native_id, machines in free.items() if machines} | own


def _same_moref(
    unknown: Collection[Seen], sighted: Iterable[Sighted], source_id: UUID, vcenter: str
) -> Mapping[str, tuple[UUID, ...]]:
    """By moref in a source that does not tell its vCenter: the VM has another instance UUID, so it may be another one."""
    found = _by_id((row.moref, row) for row in sighted if _is_own(row, source_id, vcenter))
    return defaultdict(tuple, {vm.native_id: found.get(vm.native_id, ()) for vm in unknown})


def _same_hardware(unknown: Collection[Seen], elsewhere: Iterable[Sighted]) -> Mapping[str, set[UUID]]:
    """By BIOS UUID or MAC address, where one of the two sides does not tell an instance UUID."""
    told = [(each, row) for row in elsewhere for each in row.hardware_ids]
    anybody, nameless = _by_id(told), _by_id((each, row) for each, row in told if not row.instance_uuid)
    found: defaultdict[str, set[UUID]] = defaultdict(set)
    for vm in unknown:
        known = nameless if vm.instance_uuid else anybody
        found[vm.native_id].update(machine for each in vm.hardware_ids for machine in known.get(each, ()))
    return found


def _by_id(rows: Iterable[tuple[str, Sighted]]) -> Mapping[str, tuple[UUID, ...]]:
    found: defaultdict[str, set[UUID]] = defaultdict(set)
    for each, row in rows:
        found[each].add(row.machine_id)
    return {each: tuple(sorted(machines)) for each, machines in found.items()}


def _one(machines: tuple[UUID, ...], claims: Mapping[UUID, int]) -> Decision:
    """The only machine with this moref or UUID, unless another VM has as good a claim to it."""
    return Same(machines[0]) if len(machines) == 1 and claims[machines[0]] == 1 else Fresh(machines)
