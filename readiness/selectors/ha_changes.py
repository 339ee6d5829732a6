"""Grants to change HA on a pool, and the changes that were made under them. Reads only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from estate.facts.codec import from_json
from readiness.core.campaign.change import OPEN_CHANGE, HaSetting
from readiness.models import Campaign, HaChange, HaGrant, Pool


def grants(pool: Pool) -> QuerySet[HaGrant]:
    """The pool's grants, newest first."""
    return HaGrant.objects.filter(pool=pool).select_related("pool__project", "granted_by")


def grant_in_force(pool: Pool, at: datetime) -> HaGrant | None:
    """The newest grant that is neither expired nor revoked."""
    return grants(pool).filter(expires_at__gt=at, revoked_at=None).first()


def changes(campaign: Campaign) -> QuerySet[HaChange]:
    """The campaign's changes, newest first."""
    return HaChange.objects.filter(campaign=campaign).select_related(
        "campaign__pool__project", "campaign__pool__endpoint", "grant"
    )


def is_changing(campaign: Campaign) -> bool:
    """Whether a change of this campaign has not ended."""
    return changes(campaign).filter(state__in=[state.value for state in OPEN_CHANGE]).exists()


def change(change_id: UUID | str) -> HaChange | None:
    """One change by id, for jobs; None when it is gone."""
    rows = HaChange.objects.select_related("campaign__pool__project", "campaign__pool__endpoint", "grant")
    return rows.filter(pk=change_id).first()


def before_of(row: HaChange) -> HaSetting | None:
    """What the pool was before the change; None until it is recorded."""
    return None if row.before is None else from_json(row.before, HaSetting)
