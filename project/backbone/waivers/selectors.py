"""Reading waivers: the rows of a project, and the ones in force at a time as frozen values for decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db.models import QuerySet

from project.backbone.accounts.models import Project
from project.backbone.waivers.models import Waiver


class WaiverState(StrEnum):
    """Where a waiver stands; derived from its times, never stored."""

    REQUESTED = "requested"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class WaiverInForce:
    """One accepted risk as decisions see it. Exactly one of `rule_id` and `check_id` is set."""

    id: UUID
    rule_id: str
    check_id: str
    subject: str
    reason: str
    expires_at: datetime
    requested_by: str
    approved_by: str

    @property
    def covers(self) -> tuple[str, str]:
        """Rule or check id, and subject: what a finding or a check is looked up by."""
        return self.rule_id or self.check_id, self.subject


def waivers(project: Project) -> QuerySet[Waiver]:
    return Waiver.objects.filter(project=project).select_related("requested_by", "approved_by", "withdrawn_by")


def waivers_in_force(project: Project, at: datetime) -> tuple[WaiverInForce, ...]:
    """Approved, not withdrawn, not expired at `at`. One query."""
    rows = waivers(project).filter(approved_at__lte=at, expires_at__gt=at, withdrawn_at__isnull=True).order_by("created_at", "id")
    return tuple(_value(row) for row in rows)


def state_of(waiver: Waiver, at: datetime) -> WaiverState:
    """Where the waiver stands at `at`."""
    if waiver.withdrawn_at is not None:
        return WaiverState.WITHDRAWN
    if waiver.expires_at <= at:
        return WaiverState.EXPIRED
    return WaiverState.IN_FORCE if waiver.approved_at is not None else WaiverState.REQUESTED


def _value(row: Waiver) -> WaiverInForce:
    return WaiverInForce(
        id=row.id,
        rule_id=row.rule_id,
        check_id=row.check_id,
        subject=row.subject,
        reason=row.reason,
        expires_at=row.expires_at,
        requested_by=row.requested_by.username,
        approved_by=row.approved_by.username if row.approved_by else "",
    )
