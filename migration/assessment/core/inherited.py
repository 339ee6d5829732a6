"""Questions that stay open for a whole source are told once per inventory; here they are taken off machines, hosts and clusters.

Subjects with the same open questions share one set, so that ten thousand machines cost a handful of sets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from migration.assessment.core.assess import RuleFinding
from migration.assessment.core.registry import Rule, Subject
from migration.assessment.core.results import SEVERITIES, Answer, Outcome, Severity
from migration.assessment.core.subjects import About


@dataclass(slots=True)
class Gap:
    """One rule that `subjects` of its kind could not be asked, because the source lacks what it needs."""

    rule: Rule
    outcome: Outcome
    severity: Severity
    subjects: int = 0


@dataclass(slots=True)
class Gaps:
    """What was taken off: `by_rule` for the findings, `sets` of kind and rule ids to the subjects that inherit them."""

    by_rule: dict[str, Gap] = field(default_factory=dict)
    sets: dict[tuple[Subject, tuple[str, ...]], list[About]] = field(default_factory=dict)

    def take_off(self, kind: Subject, about: About, findings: Iterable[RuleFinding]) -> list[RuleFinding]:
        """The findings that are this subject's own; the others are counted here."""
        own: list[RuleFinding] = []
        inherited: list[str] = []
        for finding in findings:
            if finding.outcome.everywhere and finding.outcome.answer is Answer.UNKNOWN:
                self._count(finding)
                inherited.append(finding.rule.id)
            else:
                own.append(finding)
        if inherited:
            self.sets.setdefault((kind, tuple(inherited)), []).append(about)
        return own

    def _count(self, finding: RuleFinding) -> None:
        gap = self.by_rule.get(finding.rule.id)
        if gap is None:
            gap = self.by_rule[finding.rule.id] = Gap(finding.rule, finding.outcome, finding.outcome.severity)
        gap.subjects += 1
        gap.severity = min(gap.severity, finding.outcome.severity, key=SEVERITIES.index)
