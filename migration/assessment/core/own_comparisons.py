"""Comparisons that a project's own rules may use, and the question they make of a field. Text knows no upper and lower case."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from migration.assessment.core.context import RuleContext
from migration.assessment.core.own_fields import FieldPath, values_at
from migration.assessment.core.patterns import Pattern
from migration.assessment.core.registry import RuleFunction
from migration.assessment.core.results import Answer, Part, Parts, both, known

Test = Callable[[Any], bool]


class Comparison(StrEnum):
    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    MATCHES = "matches"
    IS_SET = "is_set"
    IS_NOT_SET = "is_not_set"


class Quantifier(StrEnum):
    """Over several values: one is enough, or all of them (and at least one) must fit."""

    ANY = "any"
    ALL = "all"


ORDERED: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.LT: operator.lt,
    Comparison.LE: operator.le,
    Comparison.GT: operator.gt,
    Comparison.GE: operator.ge,
}
PRESENCE = frozenset({Comparison.IS_SET, Comparison.IS_NOT_SET})
SEVERAL = frozenset({Comparison.IN, Comparison.NOT_IN})


def asking(path: FieldPath, comparison: Comparison, wanted: Any, quantifier: Quantifier, *, version: int) -> RuleFunction:
    """The question as rules are asked it; `wanted` was found to fit. What was not read answers unknown."""
    test = _test(path, comparison, wanted)
    params = {"field": path.text, "comparison": comparison.value, "version": version}

    def ask(facts: Any, context: RuleContext) -> Parts:
        parts = [Part(known(value, test), where, value, params) for where, value in values_at(facts, path)]
        if quantifier is Quantifier.ALL:
            whole = both(*(part.answer for part in parts))
            return [part for part in parts if part.answer is whole] if whole is not Answer.FALSE else ()
        return [part for part in parts if part.answer is not Answer.FALSE]

    return ask


def fitting(kind: str, *, is_list: bool) -> tuple[Comparison, ...]:
    """The comparisons that a field of this kind (own_fields.Askable) takes."""
    presence = (Comparison.IS_SET, Comparison.IS_NOT_SET)
    if is_list:
        return (Comparison.CONTAINS, *presence) if kind == "text" else presence
    plain = (Comparison.EQ, Comparison.NE, Comparison.IN, Comparison.NOT_IN)
    if kind == "text":
        return (*plain, Comparison.CONTAINS, Comparison.MATCHES, *presence)
    return (*plain, *ORDERED, *presence) if kind in ("number", "time") else (Comparison.EQ, Comparison.NE, *presence)


def moment_of(value: Any) -> datetime | None:
    """An ISO time with its offset; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _test(path: FieldPath, comparison: Comparison, wanted: Any) -> Test:
    """What is asked of one value that was read; one that is told to be absent fits only `ne`, `not_in` and `is_not_set`."""
    if comparison is Comparison.IS_SET:
        return _is_there
    if comparison is Comparison.IS_NOT_SET:
        return lambda value: not _is_there(value)
    if comparison in ORDERED:
        limit = moment_of(wanted) if path.leaf is datetime else wanted
        return lambda value: value is not None and ORDERED[comparison](value, limit)
    if comparison is Comparison.MATCHES:
        pattern = Pattern(wanted)
        return lambda value: value is not None and pattern.found_in(str(value))
    if comparison is Comparison.CONTAINS:
        return _containing(wanted.casefold())
    chosen = {_comparable_form(each, path.leaf) for each in (wanted if comparison in SEVERAL else [wanted])}
    if comparison in (Comparison.EQ, Comparison.IN):
        return lambda value: _comparable_form(value, None) in chosen
    return lambda value: _comparable_form(value, None) not in chosen


def _is_there(value: Any) -> bool:
    return value is not None and value != "" and value != ()


def _containing(wanted: str) -> Test:
    """Part of a text, or one whole element of a list."""

    def test(value: Any) -> bool:
        if isinstance(value, tuple):
            return any(str(each).casefold() == wanted for each in value)
        return value is not None and wanted in str(value).casefold()

    return test


def _comparable_form(value: Any, kind: type | None) -> Any:
    if kind is datetime:
        return moment_of(value)
    return str(value).casefold() if isinstance(value, str) else value
