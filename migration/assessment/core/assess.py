"""All rules over one subject. Only true and unknown answers leave here; false is what is not listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import Rule, Subject, When
from migration.assessment.core.results import Evidence, Outcome, decide


@dataclass(frozen=True, slots=True)
class RuleFinding:
    rule: Rule
    outcome: Outcome


def asked_of(rules: Iterable[Rule], subject: Subject, modes: frozenset[When]) -> tuple[Rule, ...]:
    """The rules that are asked of this kind of subject in these modes; what is always asked needs no mode."""
    return tuple(rule for rule in rules if rule.subject is subject and (rule.when is When.ALWAYS or rule.when in modes))


Tellers = Mapping[str, tuple[str, datetime]]
"""Fields of a subject that another source told: path to that source's name and the time it was true."""

UNTOLD: Tellers = {}


def findings_of(facts: Any, context: RuleContext, rules: Iterable[Rule], told: Tellers = UNTOLD) -> tuple[RuleFinding, ...]:
    """What the rules have against this subject, or could not find out. Evidence names who `told` it, if another source did."""
    at = context.collected_at
    decided = ((rule, decide(rule.ask(facts, context), rule.severity, at)) for rule in rules)
    found = (RuleFinding(rule, outcome) for rule, outcome in decided if outcome is not None)
    return tuple(_with_tellers(finding, told) for finding in found) if told else tuple(found)


def _with_tellers(finding: RuleFinding, told: Tellers) -> RuleFinding:
    evidence = tuple(_told_by(each, told) for each in finding.outcome.evidence)
    return RuleFinding(finding.rule, replace(finding.outcome, evidence=evidence))


def _told_by(evidence: Evidence, told: Tellers) -> Evidence:
    """Told by whoever told this very path, else the field it lies in."""
    field = evidence.path.partition(".")[0].partition("[")[0]
    teller = told.get(evidence.path) or told.get(field)
    return evidence if teller is None else replace(evidence, told_by=teller[0], at=teller[1])
