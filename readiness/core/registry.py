"""The catalogue of checks: each registers itself with its id, severity, waiver class and texts.

Ids are never renamed or reused; waivers and reports cite them. The checks live in `checks/`, a module per family.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from readiness.core.case import Case
from readiness.core.results import Answer


class Severity(StrEnum):
    """Whether a fail closes a gate under the strict profile."""

    BLOCKS = "B"
    BLOCKS_PROTECTED = "b"  # only when the wave brings VMs with ha_restart_priority "restart"
    ADVISES = "-"


class WaiverClass(StrEnum):
    """Who may accept a fail."""

    NEVER = "N"
    APPROVER = "A"
    OPERATOR = "O"


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A check as the catalogue lists it. `remedy` lines hold {placeholders}; `prerequisites` must not have failed."""

    id: str
    family: str
    title: str
    severity: Severity
    waiver: WaiverClass
    why: str
    remedy: tuple[str, ...]
    prerequisites: tuple[str, ...]
    ask: Callable[[Case], Answer]


_CATALOGUE: dict[str, CheckSpec] = {}


def check(
    check_id: str,
    *,
    family: str,
    title: str,
    severity: Severity,
    waiver: WaiverClass,
    why: str,
    remedy: tuple[str, ...],
    prerequisites: tuple[str, ...] = (),
) -> Callable[[Callable[[Case], Answer]], Callable[[Case], Answer]]:
    """Register a check function under an id that nobody else has."""

    def register(ask: Callable[[Case], Answer]) -> Callable[[Case], Answer]:
        if check_id in _CATALOGUE:
            raise ValueError(f"check {check_id} is registered twice")
        _CATALOGUE[check_id] = CheckSpec(check_id, family, title, severity, waiver, why, remedy, prerequisites, ask)
        return ask

    return register


def registered() -> tuple[CheckSpec, ...]:
    """All registered checks in the order of their ids, so that prerequisites come before their dependants."""
    return tuple(_CATALOGUE[key] for key in sorted(_CATALOGUE))
