"""Builders for assessment: the shipped tables, a rule context about nothing special, and the rules' answers in it."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from migration.assessment.core.context import Estate, RuleContext, Target
from migration.assessment.core.guests import GuestTable, guests_from
from migration.assessment.core.limits import Limits, limits_from
from migration.assessment.core.registry import RULES
from migration.assessment.core.results import Answer, Outcome, decide
from migration.assessment.core.rules import catalogue
from tests.builders.estate import SEEN_AT

DATA = Path(__file__).parents[2] / "migration" / "assessment" / "data"
catalogue()


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))


@cache
def the_limits(product: str = "xenserver-8.4") -> Limits:
    return limits_from(_table("limits-2026-11.toml"), product, "xenserver-8")


@cache
def the_guests() -> GuestTable:
    return guests_from(_table("guests-2026-11.toml"))


def a_context(**changes: Any) -> RuleContext:
    """A context in which nothing is known around the machine. Fields of Estate and Target can be given by their own names;
    `pool_mac_owners` is the target's `mac_owners`, `mapped_networks` its `networks`."""
    rooms = {f.name: ("target", f.name) for f in fields(Target)} | {f.name: ("estate", f.name) for f in fields(Estate)}
    rooms |= {"pool_mac_owners": ("target", "mac_owners"), "mapped_networks": ("target", "networks")}
    given: dict[str, dict[str, Any]] = {"estate": {}, "target": {}}
    for name in rooms.keys() & changes.keys():
        room, field = rooms[name]
        given[room][field] = changes.pop(name)
    known = {"collected_at": SEEN_AT, "asked_at": SEEN_AT, "limits": the_limits(), "guests": the_guests()}
    return RuleContext(**{**known, "estate": Estate(**given["estate"]), "target": Target(**given["target"]), **changes})


def outcome_of(rule_id: str, facts: Any, context: RuleContext | None = None) -> Outcome | None:
    """What the rule says of these facts; None is false."""
    asked = RULES[rule_id]
    context = context or a_context()
    return decide(asked.ask(facts, context), asked.severity, context.collected_at)


def answer_of(rule_id: str, facts: Any, context: RuleContext | None = None) -> Answer:
    """The answer alone. An unknown one stands on reasons, and a true one on values."""
    outcome = outcome_of(rule_id, facts, context)
    if outcome is None:
        return Answer.FALSE
    reasons = {isinstance(each.raw, dict) and "unknown" in each.raw for each in outcome.evidence}
    assert reasons == {outcome.answer is Answer.UNKNOWN}, (rule_id, outcome)
    return outcome.answer
