"""Rules on snapshots (SNP)."""

from __future__ import annotations

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import Severity, rule
from migration.assessment.core.results import Case, Outcome, known, outcome


@rule(
    "SNP-001",
    severity=Severity.WARNING,
    sources="VR",
    title="The machine has snapshots",
    why="Only the present state is carried over; the history is lost, and long chains slow the copy.",
    remediation="Delete the snapshots before the copy, or accept that the copy is flattened.",
)
def has_snapshots(vm: VmFacts, context: RuleContext) -> Outcome:
    """Any snapshot counts, with or without memory."""
    names = vm.snapshots if isinstance(vm.snapshots, Unknown) else tuple(snapshot.name for snapshot in vm.snapshots)
    params = {} if isinstance(names, Unknown) else {"count": len(names), "names": list(names)}
    return outcome([Case(known(names, bool), "snapshots", names, params)], context.collected_at)
