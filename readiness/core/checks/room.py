"""Family E, room: do all protected VMs, those of the wave among them, find memory after the failures to tolerate."""

from __future__ import annotations

from estate.facts.unknown import Unknown
from readiness.core.capacity import Room, grown, plan_exists, room_of, with_planned
from readiness.core.case import Case
from readiness.core.registry import Severity, WaiverClass, check
from readiness.core.results import Answer, EvidencePoint, Result

GIB = 1 << 30


def _failures(case: Case) -> int:
    """Failures the pool is meant to tolerate; one where that is not set or not read: HA that tolerates none is no HA."""
    told = case.facts.ha_host_failures_to_tolerate
    return 1 if isinstance(told, Unknown) else max(1, told)


def _after_wave(case: Case) -> Room | Unknown | None:
    room = room_of(case.facts)
    return room if isinstance(room, Unknown) else with_planned(room, case.facts, case.planned)


def _points(case: Case, room: Room | None) -> tuple[EvidencePoint, ...]:
    points = (case.point("pool.ha_host_failures_to_tolerate", case.facts.ha_host_failures_to_tolerate),)
    if room is None:
        return points
    free = tuple(case.point(f"host[{uuid}] free bytes", free) for uuid, free in sorted(room.free_bytes.items()))
    return (*points, *free, case.point("protected VMs, of the wave too", len(room.protected)))


def _does_not_fit(case: Case) -> Answer:
    return Answer(Result.FAIL, "The VMs of the wave do not even fit while all hosts run.", _points(case, None))


@check(
    "HA-086",
    family="vms",
    title="N+1 memory incl. planned VMs?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="A protected VM that finds no memory on the survivors stays down.",
    remedy=("add memory or a host, or split the wave: xe pool-ha-compute-hypothetical-max-host-failures-to-tolerate",),
    prerequisites=("HA-001", "HA-003"),
)
def survivors_have_room(case: Case) -> Answer:
    """Everything protected is placed again after the failures, with room to spare."""
    room, failures = _after_wave(case), _failures(case)
    if isinstance(room, Unknown):
        return Answer(Result.UNKNOWN, f"The room on the hosts is not known: {room.reason}.", _points(case, None))
    if room is None:
        return _does_not_fit(case)
    points, what = _points(case, room), "a host fails" if failures == 1 else f"{failures} hosts fail"
    if not plan_exists(room, failures):
        return Answer(Result.FAIL, f"When {what}, not every protected VM finds memory.", points)
    if not plan_exists(grown(room, 1 + case.policy.spare_fraction), failures):
        return Answer(Result.WARN, f"All protected VMs fit, with less than {case.policy.spare_fraction:.0%} to spare.", points)
    return Answer(Result.PASS, f"All {len(room.protected)} protected VMs fit on the survivors, with room to spare.", points)


@check(
    "HA-087",
    family="vms",
    title="Largest VM fits one survivor?",
    severity=Severity.BLOCKS,
    waiver=WaiverClass.APPROVER,
    why="Free memory spread over many hosts does not start one large VM.",
    remedy=("size the VM down, or keep a host as free as it is large",),
    prerequisites=("HA-001", "HA-003"),
)
def largest_vm_fits(case: Case) -> Answer:
    """The largest protected VM fits on the emptiest host that is left when the emptiest ones failed."""
    room, failures = _after_wave(case), _failures(case)
    if isinstance(room, Unknown):
        return Answer(Result.UNKNOWN, f"The room on the hosts is not known: {room.reason}.", _points(case, None))
    if room is None:
        return _does_not_fit(case)
    points = _points(case, room)
    if not room.protected:
        return Answer(Result.PASS, "No VM is protected, today or by this wave.", points)
    largest = max(room.protected, key=lambda vm: vm.size_bytes)
    left = sorted(room.free_bytes.values(), reverse=True)[failures:]
    free = left[0] if left else 0
    text = f"{largest.name} needs {largest.size_bytes / GIB:.1f} GiB, the emptiest survivor has {free / GIB:.1f} GiB."
    if largest.size_bytes > free:
        return Answer(Result.FAIL, text, points)
    spare = largest.size_bytes * (1 + case.policy.spare_fraction) <= free
    return Answer(Result.PASS if spare else Result.WARN, text, points)
