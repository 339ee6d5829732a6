"""Two plans side by side: machines that came, went, or got another place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PlannedPlace:
    """One machine in one plan: in or out, and its placement in JSON form."""

    name: str
    included: bool
    placement: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """Machine ids, sorted: only in the new plan's waves, only in the old one's, in both at another place."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: tuple[str, ...]


def compare(old: Mapping[str, PlannedPlace], new: Mapping[str, PlannedPlace]) -> PlanDifference:
    """What changes from `old` to `new`, by machine id."""
    before = {machine for machine, planned in old.items() if planned.included}
    after = {machine for machine, planned in new.items() if planned.included}
    moved = {machine for machine in before & after if old[machine].placement != new[machine].placement}
    return PlanDifference(tuple(sorted(after - before)), tuple(sorted(before - after)), tuple(sorted(moved)))
