"""Three-valued answers: true (the concern is there), false (looked at, not there), unknown (the source did not say).

A rule gives the parts that answer true or unknown; no part means false. Unknown is never turned into false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from estate.facts.codec import to_json
from estate.facts.unknown import Unknown

T = TypeVar("T")


class Answer(StrEnum):
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How bad a true answer is: cannot move or run; moves with planned work or loss; worth recording."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


NOTHING: Mapping[str, Any] = {}


@dataclass(slots=True)
class Part:
    """One part of a subject (a disk, a NIC, itself) that answers true or unknown, with the value that gave the answer.

    `path` is the field inside the subject's facts, `raw` the value as read, `params` what reports group by. `severity`
    overrides the rule's where its table gives two.
    """

    answer: Answer
    path: str
    raw: Any
    params: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None


Parts = Iterable[Part]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value an answer stands on: field path inside the subject, the value as read, and when it was collected.

    `told_by` names another source than the assessed one that told it; empty for its own.
    """

    path: str
    raw: Any
    at: datetime
    told_by: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule's true or unknown answer on one subject. `params` is `{"parts": [...]}`: the parts that gave the answer.

    `everywhere`: unknown only because the source has none of these facts for any of its objects.
    """

    answer: Answer
    severity: Severity
    params: Mapping[str, Any]
    evidence: tuple[Evidence, ...]
    everywhere: bool = False


def decide(parts: Parts, severity: Severity, at: datetime) -> Outcome | None:
    """The outcome of a rule from its parts: true if one is, else unknown; None is false. The worst part's severity counts."""
    found = list(parts)
    if not found:
        return None
    deciding = [part for part in found if part.answer is Answer.TRUE] or found
    return Outcome(
        deciding[0].answer,
        min((part.severity or severity for part in deciding), key=SEVERITIES.index),
        {"parts": [dict(part.params) for part in deciding if part.params]},
        tuple(Evidence(part.path, plain(part.raw), at) for part in deciding),
        everywhere=all(isinstance(part.raw, Unknown) and part.raw.everywhere for part in deciding),
    )


SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


def known(value: T | Unknown, test: Callable[[T], bool]) -> Answer:
    """The test's answer, or unknown when the value was not read."""
    if isinstance(value, Unknown):
        return Answer.UNKNOWN
    return Answer.TRUE if test(value) else Answer.FALSE


def either(*answers: Answer) -> Answer:
    """Three-valued or: one true decides, otherwise one unknown does."""
    if Answer.TRUE in answers:
        return Answer.TRUE
    return Answer.UNKNOWN if Answer.UNKNOWN in answers else Answer.FALSE


def both(*answers: Answer) -> Answer:
    """Three-valued and: one false decides, otherwise one unknown does."""
    if Answer.FALSE in answers:
        return Answer.FALSE
    return Answer.UNKNOWN if Answer.UNKNOWN in answers else Answer.TRUE


def opposite(answer: Answer) -> Answer:
    """Three-valued not."""
    if answer is Answer.UNKNOWN:
        return answer
    return Answer.FALSE if answer is Answer.TRUE else Answer.TRUE


def judged(
    path: str,
    value: T | Unknown,
    test: Callable[[T], bool],
    params: Callable[[T], Mapping[str, Any]] | None = None,
    severity: Severity | None = None,
) -> tuple[Part, ...]:
    """The part for one value: unknown when it was not read, true with its `params` when the test holds, none when not."""
    if isinstance(value, Unknown):
        return (Part(Answer.UNKNOWN, path, value),)
    if not test(value):
        return ()
    return (Part(Answer.TRUE, path, value, params(value) if params else NOTHING, severity),)


def answered(
    answer: Answer, path: str, raw: Any, params: Mapping[str, Any] = NOTHING, severity: Severity | None = None
) -> tuple[Part, ...]:
    """The part for an answer already found; none when it is false."""
    return () if answer is Answer.FALSE else (Part(answer, path, raw, params, severity),)


def plain(value: Any) -> Any:
    """A value as evidence shows it, in JSON; an unread one keeps its reason."""
    return value if isinstance(value, str | int) else to_json(value)
