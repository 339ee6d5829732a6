"""What can be waived at all: apps register their rules, checks and risks when Django is ready; the backbone knows none of them.

Only who may ask, approve and withdraw stands in services.py; what a waiver then opens is decided by the apps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from project.backbone.accounts.models import Project

A_YEAR = timedelta(days=366)
"""No risk is accepted for longer than this: somebody has to look at it again."""


class Kind(StrEnum):
    """Which field of a waiver names the id."""

    RULE = "rule_id"
    CHECK = "check_id"


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms one id can be waived. `longest` counts from the moment somebody asks."""

    waivable: bool = True
    longest: timedelta = A_YEAR


@dataclass(frozen=True, slots=True)
class Waivable:
    """A family of ids. `terms` gives all of them as they stand in a project, since its policy profile may change them.

    `subject` says what a waiver's subject has to be ("id of a machine of this project"); `subject_exists` is asked with it.
    """

    kind: Kind
    terms: Callable[[Project], Mapping[str, Terms]]
    subject: str
    subject_exists: Callable[[Project, str], bool]


_families: list[Waivable] = []


def register(family: Waivable) -> None:
    """Enter a family. Its ids belong to no other family of the same kind."""
    _families.append(family)


def find(project: Project, kind: Kind, waived_id: str) -> tuple[Waivable, Terms] | None:
    """The family of an id and its terms in this project, or None when nobody registered it."""
    for family in _families:
        terms = family.terms(project).get(waived_id) if family.kind is kind else None
        if terms is not None:
            return family, terms
    return None
