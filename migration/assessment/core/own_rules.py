"""Rules a project adds as data: one field, one comparison, and the words. Checked in full before they are kept; no code in them.

Text is compared without regard to case. A field that was not read leaves the rule's question open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from estate.facts.pool import PoolFacts
from estate.facts.source import ClusterFacts, HostFacts, VmFacts
from migration.assessment.core.context import SourceFacts
from migration.assessment.core.own_comparisons import ORDERED, PRESENCE, SEVERAL, Comparison, Quantifier, asking, moment_of
from migration.assessment.core.own_fields import FieldPath, FieldRefused, field_path, is_text
from migration.assessment.core.patterns import Pattern, PatternRefused
from migration.assessment.core.registry import FactSource, Rule, Subject
from migration.assessment.core.results import Severity

OWN_ID = re.compile(r"OWN-[A-Z0-9]{1,12}(?:-[A-Z0-9]{1,12})?")
TEXT_LENGTHS = {"title": 200, "why": 1000, "remediation": 1000}
VALUE_LENGTH_MAX = 500
VALUES_MAX = 1000
FACTS = {
    Subject.MACHINE: VmFacts,
    Subject.HOST: HostFacts,
    Subject.CLUSTER: ClusterFacts,
    Subject.SOURCE: SourceFacts,
    Subject.POOL: PoolFacts,
}
ALL_SOURCES = (FactSource.VSPHERE, FactSource.RVTOOLS, FactSource.OVF, FactSource.POOL)

MEMBERS = frozenset(
    {"id", "version", "subject", "field", "comparison", "value", "quantifier", "severity", "title", "why", "remediation"}
)
NEEDED = ("id", "field", "comparison", "severity", "title", "why", "remediation")


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that is wrong with a rule's data: which member, a code, and what to do about it."""

    field: str
    code: str
    detail: str


class OwnRuleRefused(ValueError):
    """The data is no rule; `objections` has everything that is wrong with it."""

    def __init__(self, objections: tuple[Objection, ...]) -> None:
        super().__init__("; ".join(f"{each.field}: {each.detail}" for each in objections))
        self.objections = objections


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A project's rule that was checked. `version` counts the project's changes to it, from 1."""

    id: str
    version: int
    subject: Subject
    path: FieldPath
    comparison: Comparison
    value: Any
    quantifier: Quantifier
    severity: Severity
    title: str
    why: str
    remediation: str


def own_rule_from(data: Mapping[str, Any]) -> OwnRule:
    """The rule that this data describes. Raises OwnRuleRefused with all objections at once."""
    objections = (*_shape(data), *_words(data))
    if objections:
        raise OwnRuleRefused(objections)
    subject, comparison = Subject(data.get("subject", "machine")), Comparison(data["comparison"])
    try:
        path = field_path(data["field"], FACTS[subject])
    except FieldRefused as error:
        raise OwnRuleRefused((Objection("field", "unknown_field", str(error)),)) from error
    refused = (*_comparable(path, comparison), *_value(path, comparison, data))
    if refused:
        raise OwnRuleRefused(refused)
    return OwnRule(
        id=data["id"],
        version=data.get("version", 1),
        subject=subject,
        path=path,
        comparison=comparison,
        value=data.get("value"),
        quantifier=Quantifier(data.get("quantifier", "any")),
        severity=Severity(data["severity"]),
        title=data["title"].strip(),
        why=data["why"].strip(),
        remediation=data["remediation"].strip(),
    )


def _shape(data: Mapping[str, Any]) -> Iterator[Objection]:
    """Members that are there, of the right kind, and nothing else."""
    for name in sorted(data.keys() - MEMBERS):
        yield Objection(name, "unknown_member", f"A rule has {', '.join(sorted(MEMBERS))}.")
    for name in NEEDED:
        if not isinstance(data.get(name), str) or not data[name].strip():
            yield Objection(name, "required", "Give a text.")
    if isinstance(data.get("id"), str) and not OWN_ID.fullmatch(data["id"]):
        yield Objection("id", "invalid", "An id is OWN- and up to 12 capitals or digits, as in OWN-BACKUP or OWN-SQL-01.")
    version = data.get("version", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        yield Objection("version", "invalid", "A version is a whole number from 1.")
    kinds = {"subject": Subject, "comparison": Comparison, "quantifier": Quantifier, "severity": Severity}
    for name, kind in kinds.items():
        known_words = [each.value for each in kind]
        if name in data and data[name] not in known_words:
            yield Objection(name, "invalid_choice", f"One of {', '.join(known_words)}.")


def _words(data: Mapping[str, Any]) -> Iterator[Objection]:
    for name, longest in TEXT_LENGTHS.items():
        if isinstance(data.get(name), str) and len(data[name]) > longest:
            yield Objection(name, "max_length", f"At most {longest} characters.")


def _comparable(path: FieldPath, comparison: Comparison) -> Iterator[Objection]:
    """Whether values at the end of the path can be compared this way."""
    if comparison in PRESENCE:
        return
    if path.is_list and comparison is not Comparison.CONTAINS:
        yield Objection(
            "comparison", "wrong_type", f"{path.text} is a list: write {path.text}[] or use contains, is_set, is_not_set."
        )
    elif path.is_list and not is_text(path.leaf):
        yield Objection("comparison", "wrong_type", f"{path.text} is no list of texts.")
    elif comparison in ORDERED and path.leaf not in (int, float, datetime):
        yield Objection("comparison", "wrong_type", f"{path.text} has no order: it is no number and no time.")
    elif comparison in (Comparison.CONTAINS, Comparison.MATCHES) and not is_text(path.leaf):
        yield Objection("comparison", "wrong_type", f"{path.text} is no text.")


def _value(path: FieldPath, comparison: Comparison, data: Mapping[str, Any]) -> Iterator[Objection]:
    value = data.get("value")
    if comparison in PRESENCE:
        if value is not None:
            yield Objection("value", "not_allowed", f"{comparison.value} compares with nothing.")
    elif comparison in SEVERAL:
        if not isinstance(value, list) or not 0 < len(value) <= VALUES_MAX:
            yield Objection("value", "wrong_type", f"Give a list of 1 to {VALUES_MAX} values.")
        elif not all(_fits(path.leaf, each) for each in value):
            yield Objection("value", "wrong_type", f"Every value must be {_kind_name(path.leaf)}.")
    elif not _fits(path.leaf, value):
        yield Objection("value", "wrong_type", f"The value must be {_kind_name(path.leaf)}.")
    elif comparison is Comparison.MATCHES:
        yield from _pattern(value)


def _pattern(value: Any) -> Iterator[Objection]:
    try:
        Pattern(value)
    except PatternRefused as error:
        yield Objection("value", "invalid_pattern", f"The pattern cannot be used: {error}.")


def _fits(kind: type, value: Any) -> bool:
    if is_text(kind):
        return isinstance(value, str) and 0 < len(value) <= VALUE_LENGTH_MAX
    if kind is datetime:
        return moment_of(value) is not None
    if kind is bool:
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) != float("inf")


def _kind_name(kind: type) -> str:
    if is_text(kind):
        return f"a text of 1 to {VALUE_LENGTH_MAX} characters"
    return {datetime: "a time with its offset, as in 2026-11-01T08:00:00+00:00", bool: "true or false"}.get(kind, "a number")


def compiled(rule: OwnRule, project: str) -> Rule:
    """The rule as the assessment asks it, marked as the project's."""
    return Rule(
        id=rule.id,
        severity=rule.severity,
        sources=ALL_SOURCES,
        title=rule.title,
        why=rule.why,
        remediation=rule.remediation,
        ask=asking(rule.path, rule.comparison, rule.value, rule.quantifier, version=rule.version),
        subject=rule.subject,
        project=project,
    )
