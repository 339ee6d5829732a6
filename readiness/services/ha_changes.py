"""Changes of a pool's HA timeout by the service: the grant that allows them, and each change from its wish to its end.

Only with a grant for the pool, only to what the campaign's next step asks for, and always with what was there before recorded
first. Talking to the pool is the work room's task.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from estate.facts.codec import to_json
from estate.facts.unknown import Unknown
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints.selectors import require_confirmed
from project.backbone.jobs.services import enqueue
from project.backbone.models import Job
from project.backbone.problems import Conflict
from readiness.core.campaign.change import ChangeEvent, ChangeState, HaSetting, next_change_state
from readiness.core.campaign.ladder import StepKind
from readiness.core.campaign.states import IllegalTransition
from readiness.core.case import heartbeat_sr
from readiness.models import Campaign, HaChange, HaGrant, Pool
from readiness.selectors import campaigns, ha_changes
from readiness.services.campaigns import unusable
from readiness.services.moving import moved

CHANGE = "readiness.change_timeout"
LONGEST_GRANT = timedelta(days=7)


class ChangeMoved(Conflict):
    """The change does not take this step in its state, or somebody else moved it first."""

    code = "change_moved"


def grant(pool: Pool, *, reason: str, expires_at: datetime, actor: Actor) -> HaGrant:
    """Allow the service to change this pool's HA timeout until then. Raises: RoleTooLow (admin), NotVisible, Invalid."""
    actor.require(pool.project_id, Role.ADMIN)
    if not timedelta(0) < expires_at - now() <= LONGEST_GRANT:
        raise unusable("expires_at", f"must lie in the future, by at most {LONGEST_GRANT.days} days")
    with transaction.atomic():
        row = HaGrant.objects.create(pool=pool, reason=reason, expires_at=expires_at, granted_by_id=actor.user_id)
        after = {"reason": reason, "expires_at": expires_at.isoformat()}
        record(actor, "ha_grant.given", row, project=pool.project, after=after)
    return row


def revoke(row: HaGrant, *, actor: Actor) -> HaGrant:
    """Take a grant back; a change that runs is brought to its end. Raises: RoleTooLow (operator), NotVisible."""
    actor.require(row.pool.project_id, Role.OPERATOR)
    with transaction.atomic():
        if HaGrant.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=now()):
            record(actor, "ha_grant.revoked", row, project=row.pool.project)
    row.refresh_from_db()
    return row


def _require_grant(pool: Pool) -> HaGrant:
    found = ha_changes.grant_in_force(pool, now())
    if found is None:
        raise Conflict(
            f"Nobody has allowed this service to change HA on pool {pool.name}.",
            code="ha_not_granted",
            next_step="Type the campaign's commands yourself, or let an admin give a grant for this pool.",
        )
    return found


def ask_for_change(campaign: Campaign, *, actor: Actor) -> Job:
    """Ask the service to set the timeout that the campaign needs next.

    Raises: RoleTooLow (operator), NotVisible, Conflict `ha_not_granted`, `step_out_of_order`, `change_open`,
    `pins_not_confirmed`, `pool_not_collected` (409).
    """
    pool = campaign.pool
    actor.require(pool.project_id, Role.OPERATOR)
    require_confirmed(pool.endpoint)
    allowed, view = _require_grant(pool), campaigns.view_of(campaign, now())
    sr = heartbeat_sr(campaigns.case_now(campaign, now()).facts)
    if view.step is None or view.step.kind is not StepKind.SET_TIMEOUT or view.step.timeout_s is None or isinstance(sr, Unknown):
        raise Conflict(
            "Setting the timeout is not what this campaign needs next.", code="step_out_of_order", next_step=view.sentence
        )
    row = HaChange(
        campaign=campaign, grant=allowed, timeout_s=view.step.timeout_s, sr_uuid=sr.uuid, created_by_id=actor.user_id
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            record(actor, "ha_change.asked_for", row, project=pool.project, after={"timeout_s": row.timeout_s})
            return _enqueued(row, actor)
    except IntegrityError:
        raise Conflict(
            "The service changes HA on this pool already.", code="change_open", next_step="Wait for that job to end."
        ) from None


def ask_to_restore(campaign: Campaign, *, actor: Actor) -> Job:
    """Ask the service to give the pool back what it was before the newest change.

    Raises: RoleTooLow (operator), NotVisible, Conflict `ha_not_granted`, `change_moved` (409).
    """
    actor.require(campaign.pool.project_id, Role.OPERATOR)
    _require_grant(campaign.pool)
    row = ha_changes.changes(campaign).first()
    if row is None or row.before is None:
        raise ChangeMoved("There is no change whose old value was recorded.", next_step="Read the campaign.")
    with transaction.atomic():
        move(row, ChangeEvent.GIVE_BACK, actor=actor)
        return _enqueued(row, actor)


def _enqueued(row: HaChange, actor: Actor) -> Job:
    pool = row.campaign.pool
    subject = f"{pool.name}: HA timeout {row.timeout_s} s"
    return enqueue(CHANGE, project=pool.project, params={"change_id": str(row.id)}, actor=actor, subject=subject)


def move(row: HaChange, event: ChangeEvent, *, actor: Actor, **fields: Any) -> HaChange:
    """Apply an event and set `fields` with it. Raises: ChangeMoved (409)."""
    try:
        target = next_change_state(ChangeState(row.state), event)
    except IllegalTransition:
        raise ChangeMoved(f"The change of the HA timeout is {row.state}.", next_step="Read the campaign again.") from None
    stale = ChangeMoved("The change of the HA timeout has moved on meanwhile.", next_step="Read the campaign again.")
    pool, action = row.campaign.pool, f"ha_change.{event}"
    return moved(row, target, action=action, pool=pool, stale=stale, noted=fields, actor=actor, **fields)


def record_before(row: HaChange, before: HaSetting, *, actor: Actor) -> None:
    """Store what the pool is now; nothing was touched yet. Raises: ChangeMoved, Conflict `ha_not_granted`."""
    _require_grant(row.campaign.pool)
    move(row, ChangeEvent.RECORD, actor=actor, before=to_json(before))
