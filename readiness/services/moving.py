"""How a row's state moves: compare-and-set, with the audit row in the same transaction. Legal moves are in core.campaign."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from django.db import transaction

from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record
from project.backbone.problems import Conflict
from readiness.models import Campaign, CampaignTrial, HaChange, Pool

Row = TypeVar("Row", Campaign, CampaignTrial, HaChange)


def moved(
    row: Row, target: StrEnum, *, action: str, pool: Pool, stale: Conflict, noted: Mapping[str, Any], actor: Actor, **fields: Any
) -> Row:
    """The row in its new state with `fields` set; `noted` goes into the audit. Raises: `stale` when somebody moved it first."""
    before = {"state": row.state}
    with transaction.atomic():
        if not type(row).objects.filter(pk=row.pk, state=row.state).update(state=target.value, **fields):
            raise stale
        row.refresh_from_db(fields=["state", *fields])
        record(actor, action, row, project=pool.project, before=before, after={"state": row.state, **noted})
    return row
