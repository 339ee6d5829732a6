"""Three-valued answers: true (the concern is there), false (looked at, not there), unknown (the source did not say).

Unknown is never turned into false. Params carry the values of one machine, evidence says where they were read, raw, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from estate.facts.unknown import Unknown

T = TypeVar("T")


class Answer(StrEnum):
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value the answer stands on: field path inside the machine, the value as read, and when it was collected."""

    path: str
    raw: Any
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """The answer for one part of a machine (a disk, a NIC, the machine itself) with the value that gave it."""

    answer: Answer
    path: str
    raw: Any
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule's answer on one machine. `params` is `{"parts": [...]}`: the parts that gave the answer."""

    answer: Answer
    params: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()


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


def outcome(cases: Iterable[Case], at: datetime) -> Outcome:
    """A machine's outcome from its parts: true if one is, else unknown if one is; only the deciding parts are shown."""
    cases = tuple(cases)
    answer = either(*(case.answer for case in cases))
    if answer is Answer.FALSE:
        return Outcome(answer)
    deciding = [case for case in cases if case.answer is answer]
    return Outcome(
        answer,
        {"parts": [dict(case.params) for case in deciding if case.params]},
        tuple(Evidence(case.path, raw(case.raw), at) for case in deciding),
    )


def raw(value: Any) -> Any:
    """A value as evidence shows it; an unread one keeps its reason."""
    if isinstance(value, Unknown):
        return {"unknown": value.reason}
    if isinstance(value, tuple):
        return [raw(part) for part in value]
    return value
