"""Builders for assessment: limits of XenServer 8.4 from the shipped table, and a rule context about nothing special."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from migration.assessment.core.context import RuleContext
from migration.assessment.core.limits import Limits, limits_from
from tests.builders.estate import SEEN_AT

TABLE = Path(__file__).parents[2] / "migration" / "assessment" / "data" / "limits-2026-11.toml"


def the_limits(product: str = "xenserver-8.4") -> Limits:
    return limits_from(tomllib.loads(TABLE.read_text(encoding="utf-8")), product)


def a_context(**changes: Any) -> RuleContext:
    return RuleContext(**{"collected_at": SEEN_AT, "limits": the_limits(), **changes})
