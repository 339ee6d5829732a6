"""All rules over one machine. Only true and unknown answers leave here; false is what is not listed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from estate.facts.source import VmFacts
from migration.assessment.core.context import RuleContext
from migration.assessment.core.registry import Rule
from migration.assessment.core.results import Answer, Outcome


@dataclass(frozen=True, slots=True)
class RuleFinding:
    rule: Rule
    outcome: Outcome


def findings_of(vm: VmFacts, context: RuleContext, rules: Iterable[Rule]) -> tuple[RuleFinding, ...]:
    """What the rules have against this machine, or could not find out."""
    answered = ((rule, rule.ask(vm, context)) for rule in rules)
    return tuple(RuleFinding(rule, outcome) for rule, outcome in answered if outcome.answer is not Answer.FALSE)
