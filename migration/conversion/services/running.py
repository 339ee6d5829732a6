"""Changing how a project's conversions are run: budgets, bandwidth, verify policy. What is set holds for what is asked or
started later; bandwidth holds at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from django.db import transaction

from migration.conversion.core.running import NUMBERS, problems
from migration.conversion.core.verifying import policy_from
from migration.conversion.models import RunningSettings
from migration.conversion.selectors import running_settings
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit import services as audit
from project.backbone.models import Project
from project.backbone.problems import Conflict, Invalid, PreconditionFailed
from readiness.selectors import pools

FIELDS = ("verify", *NUMBERS, "time_zone", "bandwidth")


MOST_RACES = 5
"""So often a row of the table is added or removed anew because somebody else changed the table at the same moment."""


def change(project: Project, *, actor: Actor, seen: RunningSettings | None = None, **changes: Any) -> RunningSettings:
    """Set what is given, values of the right type, on what was `seen` (or is there now).

    Raises: RoleTooLow (admin), Invalid naming every member that is wrong, PreconditionFailed (412) when they are not as seen.
    """
    actor.require(project, Role.ADMIN)
    seen = seen or running_settings(project)
    found = (*problems(changes), *_strange_pools(project, changes.get("bandwidth", ()), seen))
    wrong = [{"field": field, "code": "invalid", "detail": why} for field, why in found]
    if wrong:
        detail = " ".join(f"{each['field']}: {each['detail']}" for each in wrong)
        raise Invalid(detail, next_step="Correct these values; nothing was changed.", errors=wrong)
    if "verify" in changes:
        changes["verify"] = str(policy_from(changes["verify"]))
    return _store(project, seen, changes, actor)


@transaction.atomic
def _store(project: Project, seen: RunningSettings, changes: dict[str, Any], actor: Actor) -> RunningSettings:
    RunningSettings.objects.get_or_create(project=project)
    unchanged = RunningSettings.objects.filter(project=project, version=seen.version)
    if not unchanged.update(**changes, version=seen.version + 1):
        raise PreconditionFailed("These settings were changed meanwhile.", next_step="Read them again and repeat your change.")
    row = RunningSettings.objects.get(project=project)
    before, after = ({name: getattr(each, name) for name in FIELDS} for each in (seen, row))
    audit.record(actor, "running.changed", project, project=project, before=before, after=after)
    return row


def _strange_pools(project: Project, rows: Iterable[dict[str, Any]], seen: RunningSettings) -> Iterator[tuple[str, str]]:
    """New rows for pools that the project does not have; rows whose pool was removed since may stay."""
    known = {str(pool.pk) for pool in pools.pools(project)}
    for number, row in enumerate(rows):
        if row.get("pool") and row["pool"] not in known and row not in seen.bandwidth:
            yield f"bandwidth.{number}.pool", "There is no such pool in this project."


def add_window(project: Project, window: dict[str, Any], *, actor: Actor) -> RunningSettings:
    """Add a row to the table of bandwidth, whatever others do to it at the same moment. Raises: as `change`."""
    return _change_table(project, lambda rows: [*rows, window], actor)


def remove_window(project: Project, window: dict[str, Any], *, actor: Actor) -> RunningSettings:
    """Remove a row that is exactly this one, likewise. Raises: as `change`; Conflict when there is none by now."""
    actor.require(project, Role.ADMIN)

    def without(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if window not in rows:
            raise Conflict("This row of the table is not there any more.", code="window_gone", next_step="Load the page again.")
        at = rows.index(window)
        return [*rows[:at], *rows[at + 1 :]]

    return _change_table(project, without, actor)


def _change_table(
    project: Project, changed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], actor: Actor
) -> RunningSettings:
    """Apply the change to the table as it is; when somebody was faster, to what they made of it."""
    for _ in range(MOST_RACES - 1):
        seen = running_settings(project)
        with suppress(PreconditionFailed):
            return change(project, seen=seen, actor=actor, bandwidth=changed(list(seen.bandwidth)))
    seen = running_settings(project)
    return change(project, seen=seen, actor=actor, bandwidth=changed(list(seen.bandwidth)))
