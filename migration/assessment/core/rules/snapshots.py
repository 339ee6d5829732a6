"""Rules on snapshots (SNP)."""

from __future__ import annotations

from estate.facts.source import VmFacts
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import rule
from migration.assessment.core.results import Parts, Severity, judged


@rule(
    "SNP-001",
    severity=Severity.WARNING,
    sources="VR",
    title="The machine has snapshots",
    why="Only the present state is carried over; the history is lost, and long chains slow the copy.",
    remediation="Delete the snapshots before the copy, or accept that the copy is flattened.",
)
def has_snapshots(vm: VmFacts, context: RuleContext) -> Parts:
    """Any snapshot counts, with or without memory."""
    return judged(
        "snapshots",
        vm.snapshots,
        bool,
        lambda snapshots: {"count": len(snapshots), "names": [snapshot.name for snapshot in snapshots]},
    )
