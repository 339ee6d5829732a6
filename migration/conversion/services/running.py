"""Changing how a project's conversions are run: budgets, bandwidth, verify policy. What is set holds for what is asked or
started later; bandwidth holds at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction

from migration.conversion.core.running import NUMBERS, problems
from migration.conversion.core.verifying import policy_from
from migration.conversion.models import RunningSettings
from migration.conversion.selectors import running_settings
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit import services as audit
from project.backbone.models import Project
from project.backbone.problems import Conflict, Invalid
from readiness.selectors import pools

FIELDS = ("verify", *NUMBERS, "time_zone", "bandwidth")


@transaction.atomic
def change(project: Project, *, actor: Actor, **changes: Any) -> RunningSettings:
    """Set what is given, values of the right type. Raises: RoleTooLow (admin), Invalid naming every member that is wrong."""
    actor.require(project, Role.ADMIN)
    found = (*problems(changes), *_strange_pools(project, changes.get("bandwidth", ())))
    wrong = [{"field": field, "code": "invalid", "detail": why} for field, why in found]
    if wrong:
        detail = " ".join(f"{each['field']}: {each['detail']}" for each in wrong)
        raise Invalid(detail, next_step="Correct these values; nothing was changed.", errors=wrong)
    if "verify" in changes:
        changes["verify"] = str(policy_from(changes["verify"]))
    before = {name: getattr(running_settings(project), name) for name in FIELDS}
    row, _ = RunningSettings.objects.update_or_create(project=project, defaults=changes)
    after = {name: getattr(row, name) for name in FIELDS}
    audit.record(actor, "running.changed", project, project=project, before=before, after=after)
    return row


def _strange_pools(project: Project, rows: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """New rows for pools that the project does not have; rows whose pool was removed since may stay."""
    known, kept = {str(pool.pk) for pool in pools.pools(project)}, running_settings(project).bandwidth
    for number, row in enumerate(rows):
        if row.get("pool") and row["pool"] not in known and row not in kept:
            yield f"bandwidth.{number}.pool", "There is no such pool in this project."


def add_window(project: Project, window: dict[str, Any], *, actor: Actor) -> RunningSettings:
    """Add a row to the table of bandwidth. Raises: as `change`."""
    return change(project, actor=actor, bandwidth=[*running_settings(project).bandwidth, window])


def remove_window(project: Project, window: dict[str, Any], *, actor: Actor) -> RunningSettings:
    """Remove a row that is exactly this one. Raises: as `change`; Conflict when there is none by now."""
    actor.require(project, Role.ADMIN)
    rows = list(running_settings(project).bandwidth)
    if window not in rows:
        raise Conflict("This row of the table is not there any more.", code="window_gone", next_step="Load the page again.")
    rows.remove(window)
    return change(project, actor=actor, bandwidth=rows)
