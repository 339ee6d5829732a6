"""The rules a project is asked by, and the dated tables they look things up in."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from django.db.models import QuerySet

from migration.assessment.core.guests import GuestTable, guests_from
from migration.assessment.core.limits import Limits, limits_from
from migration.assessment.core.own_rules import compiled, own_rule_from
from migration.assessment.core.registry import Rule
from migration.assessment.core.rules import catalogue
from migration.assessment.models import OwnRule
from project.backbone.models import Project

LIMITS_FILE = "data/limits-2026-11.toml"
GUESTS_FILE = "data/guests-2026-11.toml"


@cache
def limits(product: str, profile: str) -> Limits:
    """The limits of a target product under a policy profile, from the newest data file. Raises: UnknownProduct."""
    return limits_from(_table(LIMITS_FILE), product, profile)


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
    """Every rule that is asked in a project, by id: the catalogue's, and its own that are switched on."""
    own = OwnRule.objects.filter(project=project, active=True).values_list("definition", "version")
    return rules() | {rule.id: rule for rule in (own_rule(project, *row) for row in own)}


def own_rules(project: Project) -> QuerySet[OwnRule]:
    """The project's own rules, switched on or off."""
    return OwnRule.objects.filter(project=project).select_related("project")


def own_rule(project: Project, definition: dict[str, Any], version: int) -> Rule:
    """One of the project's own rules as it is asked."""
    return compiled(own_rule_from({**definition, "version": version}), str(project.id))
