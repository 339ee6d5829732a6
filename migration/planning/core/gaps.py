"""What a mapping still lacks for a set of machines: each missing name once, with the machines that wait for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migration.planning.core.mapping import SAYABLE, MappingTable
from migration.planning.core.placement import place
from migration.planning.core.reasons import Reason, ReasonCode
from migration.planning.core.target import Target
from migration.planning.core.waves import Candidate

MAPPING_GAPS = frozenset(
    {
        ReasonCode.NETWORK_UNMAPPED,
        ReasonCode.NETWORK_MISSING,
        ReasonCode.DATASTORE_UNMAPPED,
        ReasonCode.SR_MISSING,
        ReasonCode.SR_UNPLUGGED,
        ReasonCode.DISK_TOO_LARGE,
        ReasonCode.TEMPLATE_UNMAPPED,
        ReasonCode.TEMPLATE_MISSING,
    }
)
"""What another mapping, or the pool, could cure; a machine that cannot move at all is the plan's to tell."""


@dataclass(frozen=True, slots=True)
class Gap:
    """`machines` are names, sorted, of those that cannot be placed because of it."""

    reason: Reason
    machines: tuple[str, ...]


def gaps(candidates: Iterable[Candidate], mapping: MappingTable, target: Target) -> tuple[Gap, ...]:
    """Every gap, by code and subject. Machines that shall not move, or are not in the inventory, need no mapping."""
    waiting: dict[tuple[ReasonCode, str], tuple[Reason, set[str]]] = {}
    for candidate in candidates:
        if candidate.vm is None or candidate.disposition != "migrate":
            continue
        placed = place(candidate.machine_id, candidate.vm, candidate.names, mapping, target, in_package=candidate.in_package)
        for reason in placed if isinstance(placed, list) else ():
            if reason.code in MAPPING_GAPS or reason.subject in SAYABLE:
                waiting.setdefault((reason.code, reason.subject), (reason, set()))[1].add(candidate.name)
    return tuple(Gap(reason, tuple(sorted(names))) for _, (reason, names) in sorted(waiting.items(), key=lambda pair: pair[0]))
