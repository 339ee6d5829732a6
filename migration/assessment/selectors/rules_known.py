"""The rules a project is asked by, and the dated tables they look things up in."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from migration.assessment.core.guests import GuestTable, guests_from
from migration.assessment.core.limits import Limits, limits_from
from migration.assessment.core.registry import Rule
from migration.assessment.core.rules import catalogue
from project.backbone.models import Project

LIMITS_FILE = "data/limits-2026-11.toml"
GUESTS_FILE = "data/guests-2026-11.toml"


@cache
def limits(product: str) -> Limits:
    """The limits of a target product from the newest data file. Raises: UnknownProduct."""
    return limits_from(_table(LIMITS_FILE), product)


@cache
def guests() -> GuestTable:
    """The guest table from the newest data file."""
    return guests_from(_table(GUESTS_FILE))


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("migration.assessment").joinpath(name).read_text(encoding="utf-8"))


@cache
def rules() -> dict[str, Rule]:
    """Every rule by id."""
    return {rule.id: rule for rule in catalogue()}


def rules_of(project: Project) -> dict[str, Rule]:
    """Every rule that is asked in a project, by id."""
    return rules()
