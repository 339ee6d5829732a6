"""Changing how a project's conversions are run: budgets, bandwidth, verify policy. What is set holds for what is asked or
started later; bandwidth holds at once.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from migration.conversion.models import RunningSettings
from migration.conversion.selectors import running_settings
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit import services as audit
from project.backbone.models import Project

FIELDS = (
    "verify", "per_source_host", "per_datastore", "per_pool_host", "per_sr", "disks_at_once", "time_zone", "bandwidth",
)  # fmt: skip


@transaction.atomic
def change(project: Project, *, actor: Actor, **changes: Any) -> RunningSettings:
    """Set what is given. Raises: RoleTooLow (admin)."""
    actor.require(project, Role.ADMIN)
    before = {name: getattr(running_settings(project), name) for name in FIELDS}
    row, _ = RunningSettings.objects.update_or_create(project=project, defaults=changes)
    after = {name: getattr(row, name) for name in FIELDS}
    audit.record(actor, "running.changed", project, project=project, before=before, after=after)
    return row
