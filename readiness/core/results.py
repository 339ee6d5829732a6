"""What a check answers: a result, the facts it rests on and what to do about it.

Pure values. Which check ran is in registry.py; whether a result closes a gate is decided in verdict.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class Result(StrEnum):
    """Answer of a check. UNKNOWN is an answer of its own and never counts as a pass."""

    PASS = "pass"  # noqa: S105 - a result, no password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


_WORST_FIRST = (Result.FAIL, Result.UNKNOWN, Result.WARN, Result.PASS, Result.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class EvidencePoint:
    """One fact behind an answer: `path` as `class[uuid].field` or `evidence[id].kind`, the raw value, when it was seen."""

    path: str
    value: Any  # raw JSON of whatever shape the fact has
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check function returns: the answer alone, before the engine adds id, texts and filled commands.

    `fills` are the placeholder values of the remediation template, one dict per object to repair.
    """

    result: Result
    detail: str
    evidence: tuple[EvidencePoint, ...] = ()
    fills: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """An answered check as it is stored and shown. `remediation` is empty when there is nothing to do."""

    id: str
    title: str
    family: str
    severity: str
    waiver_class: str
    result: Result
    detail: str
    evidence: tuple[EvidencePoint, ...] = ()
    remediation: tuple[str, ...] = ()
    blocked_by: str = ""
    blocks: bool = False
    waived_by: str = ""
    why: str = field(default="")

    def judged(self, *, blocks: bool, waived_by: str = "") -> CheckResult:
        """The same result with the gate's judgement written on it."""
        return replace(self, blocks=blocks, waived_by=waived_by)


def worst(results: list[Result]) -> Result:
    """The result that speaks for several subjects; an empty list is unknown."""
    return next((rank for rank in _WORST_FIRST if rank in results), Result.UNKNOWN)


def combine(parts: list[Answer], *, good: str) -> Answer:
    """One answer out of one per subject: the worst result, the details of the subjects that have it, all evidence."""
    result = worst([part.result for part in parts])
    speaking = [part for part in parts if part.result == result]
    detail = good if result is Result.PASS else " ".join(part.detail for part in speaking if part.detail)
    return Answer(
        result,
        detail or "Nothing was there to look at.",
        tuple(point for part in parts for point in part.evidence),
        tuple(fill for part in parts if part.result is not Result.PASS for fill in part.fills),
    )
