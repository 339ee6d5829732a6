"""The register of rules: what every rule says about itself, and the decorator that enters it under its stable id.

Ids are never renamed or reused: findings, waivers and reports cite them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migration.assessment.core.results import Parts, Severity


class FactSource(StrEnum):
    """Where a rule's facts can come from; with several, any one suffices."""

    VSPHERE = "V"
    RVTOOLS = "R"
    OVF = "O"
    GUEST = "G"
    POOL = "P"


class Subject(StrEnum):
    """What a rule is asked of. The facts given to it: VmFacts, HostFacts, ClusterFacts, SourceFacts, PoolFacts."""

    MACHINE = "machine"
    HOST = "host"
    CLUSTER = "cluster"
    SOURCE = "source"
    POOL = "pool"


class When(StrEnum):
    """When a rule is asked at all."""

    ALWAYS = "always"
    WARM = "warm"
    HA = "ha"


RuleFunction = Callable[[Any, Any], Parts]
"""Facts of the subject and RuleContext in, true and unknown parts out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`project` is empty for a rule of the catalogue, else the id of the project whose own it is."""

    id: str
    severity: Severity
    sources: tuple[FactSource, ...]
    title: str
    why: str
    remediation: str
    ask: RuleFunction
    subject: Subject = Subject.MACHINE
    when: When = When.ALWAYS
    project: str = ""


RULES: dict[str, Rule] = {}


def rule(
    rule_id: str,
    *,
    severity: Severity,
    sources: str,
    title: str,
    why: str,
    remediation: str,
    subject: Subject = Subject.MACHINE,
    when: When = When.ALWAYS,
) -> Callable[[RuleFunction], RuleFunction]:
    """Enter a function as a rule. `sources` are letters of FactSource. Raises ValueError for an id that is taken."""

    def enter(ask: RuleFunction) -> RuleFunction:
        if rule_id in RULES:
            raise ValueError(f"rule {rule_id} is entered twice")
        letters = tuple(map(FactSource, sources))
        RULES[rule_id] = Rule(rule_id, severity, letters, title, why, remediation, ask, subject, when)
        return ask

    return enter
