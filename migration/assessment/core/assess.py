"""All rules over one subject. Only true and unknown answers leave here; false is what is not listed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import Rule, Subject, When
from migration.assessment.core.results import Outcome, decide


@dataclass(frozen=True, slots=True)
class RuleFinding:
    rule: Rule
    outcome: Outcome


def asked_of(rules: Iterable[Rule], subject: Subject, modes: frozenset[When]) -> tuple[Rule, ...]:
    """The rules that are asked of this kind of subject in these modes; what is always asked needs no mode."""
    return tuple(rule for rule in rules if rule.subject is subject and (rule.when is When.ALWAYS or rule.when in modes))


def findings_of(facts: Any, context: RuleContext, rules: Iterable[Rule]) -> tuple[RuleFinding, ...]:
    """What the rules have against this subject, or could not find out."""
    at = context.collected_at
    decided = ((rule, decide(rule.ask(facts, context), rule.severity, at)) for rule in rules)
    return tuple(RuleFinding(rule, outcome) for rule, outcome in decided if outcome is not None)
