"""A machine's verdict: the worst of its findings that no waiver covers. Waivers annotate; they never remove a finding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from migration.assessment.core.results import Answer, Severity


class Verdict(StrEnum):
    READY = "ready"
    READY_WITH_WORK = "ready_with_work"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


BADNESS = (Verdict.READY, Verdict.READY_WITH_WORK, Verdict.UNKNOWN, Verdict.BLOCKED)


@dataclass(frozen=True, slots=True)
class Rated:
    """What the verdict needs of one finding."""

    severity: Severity
    answer: Answer
    waived: bool = False


def verdict_of(findings: Iterable[Rated], *, assessed: bool = True) -> Verdict:
    """Ready only when assessed and nothing stands open; an open question of any weight above info is unknown, not ready."""
    if not assessed:
        return Verdict.UNKNOWN
    return max((_single(finding) for finding in findings), key=BADNESS.index, default=Verdict.READY)


def _single(finding: Rated) -> Verdict:
    if finding.waived or finding.severity is Severity.INFO or finding.answer is Answer.FALSE:
        return Verdict.READY
    if finding.answer is Answer.UNKNOWN:
        return Verdict.UNKNOWN
    return Verdict.BLOCKED if finding.severity is Severity.CRITICAL else Verdict.READY_WITH_WORK
