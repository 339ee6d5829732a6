"""Rules on memory (MEM), and on shares of CPU, memory and disks."""

from __future__ import annotations

from estate.facts.source import AllocationFacts, VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.guests import GuestRow
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Answer, Part, Parts, Severity, answered, judged
from migration.assessment.core.rules.guest_os import of_every_row, possible_rows, undecided


@rule(
    "MEM-001",
    severity=Severity.CRITICAL,
    sources="VRO",
    title="The machine has more memory than a VM can have",
    why="The target does not support a VM of this size.",
    remediation="Split the role, or exclude the machine.",
)
def too_much_memory(vm: VmFacts, context: RuleContext) -> Parts:
    """The product's limit is still fine."""
    most = context.limits.memory_max_bytes
    return judged("memory_bytes", vm.memory_bytes, lambda size: size > most, lambda size: {"memory_bytes": size, "limit": most})


@rule(
    "MEM-002",
    severity=Severity.CRITICAL,
    sources="VP",
    title="No host of the target has the memory free",
    why="Memory is committed when a VM starts; nothing is swapped out for it.",
    remediation="Size the machine down, add hosts, or place it elsewhere.",
)
def memory_not_free(vm: VmFacts, context: RuleContext) -> Parts:
    """Compared with the emptiest host."""
    free = context.target.free_memory_bytes
    if isinstance(free, Unknown):
        return answered(Answer.UNKNOWN, "memory_bytes", free)
    return judged("memory_bytes", vm.memory_bytes, lambda size: size > free, lambda _: {"free_bytes": free})


@rule(
    "MEM-003",
    severity=Severity.WARNING,
    sources="VRO",
    title="The machine has less memory than its template demands",
    why="The start is refused below the template's minimum.",
    remediation="Raise the memory to the minimum.",
)
def too_little_memory(vm: VmFacts, context: RuleContext) -> Parts:
    """The guest is asked only below the largest minimum there is; what is left of it open decides where minimums differ."""
    size = vm.memory_bytes
    if isinstance(size, Unknown) or size >= context.limits.memory_min_ever_bytes:
        return judged("memory_bytes", size, lambda _: False)

    def test(row: GuestRow) -> Answer:
        if row.memory_min_bytes is None:
            return Answer.UNKNOWN
        return Answer.TRUE if size < row.memory_min_bytes else Answer.FALSE

    answer, rows = of_every_row(vm, context, test), possible_rows(vm, context)
    if answer is not Answer.TRUE or isinstance(rows, Unknown):
        return answered(answer, "guest_id", undecided(vm, context))
    least = min(row.memory_min_bytes for row in rows if row.memory_min_bytes is not None)
    return answered(Answer.TRUE, "memory_bytes", size, {"memory_bytes": size, "minimum_bytes": least})


@rule(
    "MEM-004",
    severity=Severity.WARNING,
    sources="VR",
    title="The guest has lived on less memory than it was given",
    why="Its real need is not known.",
    remediation="Size it from its active memory before hosts are sized.",
)
def squeezed_memory(vm: VmFacts, context: RuleContext) -> Parts:
    """A limit below the size, ballooning or swapping."""
    limit, size = vm.memory_allocation.limit, vm.memory_bytes
    if limit is None or isinstance(limit, Unknown):
        limited = judged("memory_allocation.limit", limit, lambda _: False)
    else:
        limited = judged("memory_bytes", size, lambda given: limit < given, lambda _: {"limit_bytes": limit})
    return (
        *limited,
        *judged("ballooned_bytes", vm.ballooned_bytes, lambda held: held > 0),
        *judged("swapped_bytes", vm.swapped_bytes, lambda held: held > 0),
    )


@rule(
    "MEM-005",
    severity=Severity.INFO,
    sources="VR",
    title="Reservations, limits or custom shares are set",
    why="The target has only CPU weight and cap, and coarse QoS of disks.",
    remediation="Convert them to weight and cap, or drop them.",
)
def shares_set(vm: VmFacts, context: RuleContext) -> Parts:
    """For CPU, memory and every disk."""
    parts = (*_shares("cpu_allocation", vm.cpu_allocation), *_shares("memory_allocation", vm.memory_allocation))
    if isinstance(vm.disks, Unknown):
        return (*parts, Part(Answer.UNKNOWN, "disks", vm.disks))
    for number, disk in enumerate(vm.disks):
        parts += _shares(f"disks[{number}].allocation", disk.allocation)
    return parts


def _shares(path: str, given: AllocationFacts) -> tuple[Part, ...]:
    return (
        *judged(f"{path}.reservation", given.reservation, lambda value: value > 0),
        *judged(f"{path}.limit", given.limit, lambda value: value is not None),
        *judged(f"{path}.shares_level", given.shares_level, lambda level: level == "custom"),
    )
