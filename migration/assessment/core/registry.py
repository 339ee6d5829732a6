"""The register of rules: what every rule says about itself, and the decorator that enters it under its stable id.

Ids are never renamed or reused: findings, waivers and reports cite them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from estate.facts.source import VmFacts
from migration.assessment.core.context import RuleContext
from migration.assessment.core.results import Outcome


class Severity(StrEnum):
    """How bad a true answer is: cannot move or run; moves with planned work or loss; worth recording."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class FactSource(StrEnum):
    """Where a rule's facts can come from; with several, any one suffices."""

    VSPHERE = "V"
    RVTOOLS = "R"
    OVF = "O"
    GUEST = "G"
    POOL = "P"


RuleFunction = Callable[[VmFacts, RuleContext], Outcome]


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    severity: Severity
    sources: tuple[FactSource, ...]
    title: str
    why: str
    remediation: str
    ask: RuleFunction


RULES: dict[str, Rule] = {}


def rule(
    rule_id: str, *, severity: Severity, sources: str, title: str, why: str, remediation: str
) -> Callable[[RuleFunction], RuleFunction]:
    """Enter a function as a rule. `sources` are letters of FactSource. Raises ValueError for an id that is taken."""

    def enter(ask: RuleFunction) -> RuleFunction:
        if rule_id in RULES:
            raise ValueError(f"rule {rule_id} is entered twice")
        RULES[rule_id] = Rule(rule_id, severity, tuple(map(FactSource, sources)), title, why, remediation, ask)
        return ask

    return enter
