"""Questions that stay open for a whole source are told once per inventory; here they are taken off its machines.

Machines with the same open questions share one set, so that ten thousand machines cost a handful of sets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from migration.assessment.core.assess import RuleFinding
from migration.assessment.core.registry import Rule
from migration.assessment.core.results import SEVERITIES, Answer, Outcome, Severity


@dataclass(slots=True)
class Gap:
    """One rule that no machine of `machines` could be asked, because the source lacks what it needs."""

    rule: Rule
    outcome: Outcome
    severity: Severity
    machines: int = 0


@dataclass(slots=True)
class Gaps:
    """What was taken off the machines: `by_rule` for the findings, `sets` of rule ids to the subjects that inherit them."""

    by_rule: dict[str, Gap] = field(default_factory=dict)
    sets: dict[tuple[str, ...], list[str]] = field(default_factory=dict)

    def take_off(self, subject: str, findings: Iterable[RuleFinding]) -> list[RuleFinding]:
        """The findings that are this machine's own; the others are counted here."""
        own: list[RuleFinding] = []
        inherited: list[str] = []
        for finding in findings:
            if finding.outcome.everywhere and finding.outcome.answer is Answer.UNKNOWN:
                self._count(finding)
                inherited.append(finding.rule.id)
            else:
                own.append(finding)
        if inherited:
            self.sets.setdefault(tuple(inherited), []).append(subject)
        return own

    def _count(self, finding: RuleFinding) -> None:
        gap = self.by_rule.get(finding.rule.id)
        if gap is None:
            gap = self.by_rule[finding.rule.id] = Gap(finding.rule, finding.outcome, finding.outcome.severity)
        gap.machines += 1
        gap.severity = min(gap.severity, finding.outcome.severity, key=SEVERITIES.index)
