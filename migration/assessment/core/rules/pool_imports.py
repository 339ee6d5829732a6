"""Rules on what the estate's machines would need of the target pool (POL): room on its SRs, and no second live copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from estate.facts.pool import PoolFacts, PoolVmFacts, SrFacts
from estate.facts.source import DiskFacts, PowerState, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import Subject, rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, both, known
from migration.assessment.core.rules.pools import disk_srs, gaps

MAY_NEED_MORE = Unknown("size, place or use of some disks that may go there was not read")


@dataclass(slots=True)
class Need:
    """What machines need on one SR: surely at least `least_bytes`, at most `most_bytes` (None: no bound is known)."""

    least_bytes: int = 0
    most_bytes: int | None = 0

    def add(self, least_bytes: int, most_bytes: int | None) -> None:
        self.least_bytes += least_bytes
        self.most_bytes = None if self.most_bytes is None or most_bytes is None else self.most_bytes + most_bytes


@rule(
    "POL-010",
    severity=Severity.CRITICAL,
    sources="P",
    title="An SR has less room than its mapped machines need",
    why="Imports would stop half-way, when the SR is full.",
    remediation="Extend the SR, or map some datastores to another one.",
    subject=Subject.POOL,
)
def sr_too_small(pool: PoolFacts, context: RuleContext) -> Parts:
    """Full sizes on thick SRs, used space on thin ones as far as it is told. Machines that were imported need nothing more."""
    mapped = context.target.srs
    if isinstance(mapped, Unknown):
        return (Part(Answer.UNKNOWN, "srs", mapped),)
    wanted = set(mapped.values())
    srs = {sr.uuid: sr for sr in disk_srs(pool) if sr.uuid in wanted}
    needs = _needs(_still_to_come(pool, context), mapped, srs, context.limits.thick_sr_kinds)
    return (*gaps(pool, "SR"), *(part for sr in srs.values() for part in _room(sr, needs[sr.uuid])))


def _room(sr: SrFacts, need: Need) -> Parts:
    free = sr.free_bytes
    if isinstance(free, Unknown):
        return (Part(Answer.UNKNOWN, "srs.free_bytes", free, {"sr": sr.name}),)
    if need.least_bytes > free:
        return answered(
            Answer.TRUE, "srs.free_bytes", free, {"sr": sr.name, "needed_bytes": need.least_bytes, "free_bytes": free}
        )
    if need.most_bytes is None or need.most_bytes > free:
        return (Part(Answer.UNKNOWN, "srs.free_bytes", MAY_NEED_MORE, {"sr": sr.name, "free_bytes": free}),)
    return ()


def _still_to_come(pool: PoolFacts, context: RuleContext) -> Iterator[tuple[VmFacts, bool]]:
    """Machines that will or may be imported, and whether that is sure: no template, and not imported before."""
    imported = {vm.source_instance_uuid for vm in pool.vms if vm.source_instance_uuid}
    for vm in context.estate.vms:
        moves = known(vm.is_template, lambda template: not template)
        fresh = known(vm.instance_uuid, lambda uuid: uuid not in imported) if imported else Answer.TRUE
        if (needed := both(moves, fresh)) is not Answer.FALSE:
            yield vm, needed is Answer.TRUE


def _needs(
    vms: Iterable[tuple[VmFacts, bool]], mapped: Mapping[str, str], srs: Mapping[str, SrFacts], thick_kinds: frozenset[str]
) -> dict[str, Need]:
    needs = {uuid: Need() for uuid in srs}
    thick = {uuid for uuid, sr in srs.items() if sr.kind.lower() in thick_kinds}
    for vm, sure in vms:
        if isinstance(vm.disks, Unknown):
            for need in needs.values():
                need.add(0, None)
            continue
        places = [_place(disk, mapped) for disk in vm.disks]
        used = _used_bytes(vm)
        if used is not None and len(set(places)) == 1 and places[0] in needs and places[0] not in thick:
            needs[places[0]].add(used if sure else 0, used)
            continue
        for disk, place in zip(vm.disks, places, strict=True):
            _add_disk(needs, disk, place, sure=sure and place in thick)
    return needs


def _place(disk: DiskFacts, mapped: Mapping[str, str]) -> str | Unknown:
    """The SR's uuid; empty when the disk is mapped nowhere."""
    return disk.datastore_id if isinstance(disk.datastore_id, Unknown) else mapped.get(disk.datastore_id or "", "")


def _used_bytes(vm: VmFacts) -> int | None:
    """What all disks of a machine hold together, never more than their sizes; None when not told."""
    sizes = [] if isinstance(vm.disks, Unknown) else [disk.capacity_bytes for disk in vm.disks]
    known_sizes = [size for size in sizes if not isinstance(size, Unknown)]
    if isinstance(vm.committed_bytes, Unknown) or len(known_sizes) < len(sizes):
        return None
    return min(vm.committed_bytes, sum(known_sizes))


def _add_disk(needs: Mapping[str, Need], disk: DiskFacts, place: str | Unknown, *, sure: bool) -> None:
    """A disk whose place is unknown may go to any SR; only a full size on a known SR is sure."""
    most = None if isinstance(disk.capacity_bytes, Unknown) else disk.capacity_bytes
    if isinstance(place, Unknown):
        for need in needs.values():
            need.add(0, most)
    elif place in needs:
        needs[place].add(most or 0 if sure else 0, most)


@rule(
    "POL-019",
    severity=Severity.CRITICAL,
    sources="P",
    title="An earlier import can be started while its source may still run",
    why="Two live copies write apart from each other and share an address.",
    remediation="Block the start of the import (xe vm-param-set blocked-operations:start=...), or power the source off for good.",
    subject=Subject.POOL,
)
def second_live_copy(pool: PoolFacts, context: RuleContext) -> Parts:
    """Matched by the source's instance uuid, which is written into every VM that is made. A source that is off does no harm.

    A source that tells no uuid at all had none to write; one that merely was not read may be the source of any import.
    """
    imports = [vm for vm in pool.vms if vm.source_instance_uuid]
    sources = {vm.instance_uuid: vm for vm in context.estate.vms if not isinstance(vm.instance_uuid, Unknown)} if imports else {}
    nameless = [vm for vm in context.estate.vms if isinstance(vm.instance_uuid, Unknown) and not vm.instance_uuid.everywhere]
    parts = (
        part
        for made in imports
        for part in (
            _live_copy(made, sources[made.source_instance_uuid or ""])
            if made.source_instance_uuid in sources
            else _perhaps_a_copy(made, nameless)
        )
    )
    return (*gaps(pool, "VM"), *parts)


def _perhaps_a_copy(made: PoolVmFacts, nameless: list[VmFacts]) -> Parts:
    """One question, however many machines it may be a copy of."""
    if made.start_blocked is True or all(vm.power_state is PowerState.OFF for vm in nameless):
        return ()
    unread = next(vm.instance_uuid for vm in nameless if vm.power_state is not PowerState.OFF)
    return (Part(Answer.UNKNOWN, "vms.source_instance_uuid", unread, {"vm": made.name}),)


def _live_copy(made: PoolVmFacts, source: VmFacts) -> Parts:
    startable = known(made.start_blocked, lambda blocked: not blocked)
    running = known(source.power_state, lambda state: state is not PowerState.OFF)
    facts = (made.start_blocked, source.power_state)
    raw = next((fact for fact in facts if isinstance(fact, Unknown)), made.start_blocked)
    params = {"vm": made.name, "source": source.name}
    return answered(both(startable, running), "vms.start_blocked", raw, params)
