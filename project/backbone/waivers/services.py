"""Waivers: one person asks, another approves, either side may withdraw. Nothing here says what a waiver opens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from project.backbone.accounts.models import Project
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.problems import Conflict, Invalid, PreconditionFailed
from project.backbone.waivers.models import Waiver
from project.backbone.waivers.selectors import WaiverState, state_of


class SamePerson(Conflict):
    """Who asked for a waiver cannot approve it."""

    code = "same_person"


def request_waiver(
    project: Project, *, rule_id: str = "", check_id: str = "", subject: str, reason: str, expires_at: datetime, actor: Actor
) -> Waiver:
    """Ask for a risk to be accepted until `expires_at`. It counts only once somebody else approved it.

    Raises: RoleTooLow (planner), NotVisible, Invalid (both or no id, an end in the past, no reason).
    """
    actor.require(project, Role.PLANNER)
    _check(rule_id, check_id, reason, expires_at)
    if actor.user_id is None:
        raise Invalid("A waiver is asked for by a person.")
    waiver = Waiver(
        project=project, rule_id=rule_id, check_id=check_id, subject=subject, reason=reason.strip(), expires_at=expires_at,
        requested_by_id=actor.user_id,
    )  # fmt: skip
    with transaction.atomic():
        waiver.save(force_insert=True)
        record(actor, "waiver.requested", waiver, project=project, after=_public(waiver))
    return waiver


def edit_waiver(
    waiver: Waiver, *, reason: str | None = None, expires_at: datetime | None = None, actor: Actor, version: int | None = None
) -> Waiver:
    """Change a waiver that nobody approved yet; an approved one is withdrawn and asked for anew instead.

    Raises: RoleTooLow (planner), NotVisible, Invalid, Conflict `waiver_not_open`, PreconditionFailed.
    """
    actor.require(waiver.project_id, Role.PLANNER)
    _require_state(waiver, WaiverState.REQUESTED)
    changes: dict[str, Any] = {
        "reason": waiver.reason if reason is None else reason.strip(),
        "expires_at": expires_at or waiver.expires_at,
    }
    _check(waiver.rule_id, waiver.check_id, changes["reason"], changes["expires_at"])
    return _change(waiver, "waiver.edited", actor, changes, version)


def approve_waiver(waiver: Waiver, *, actor: Actor) -> Waiver:
    """A second person accepts the risk.

    Raises: RoleTooLow (approver), NotVisible, SamePerson (409), Conflict `waiver_not_open` (409).
    """
    actor.require_approver(waiver.project_id)
    if actor.user_id == waiver.requested_by_id:
        raise SamePerson(
            "You asked for this waiver, so somebody else has to approve it.",
            next_step="Ask another approver of the project.",
        )
    _require_state(waiver, WaiverState.REQUESTED)
    return _change(waiver, "waiver.approved", actor, {"approved_by_id": actor.user_id, "approved_at": now()}, None)


def withdraw_waiver(waiver: Waiver, *, actor: Actor) -> Waiver:
    """End a waiver before its time: whoever asked for it, or an approver of the project.

    Raises: RoleTooLow, NotVisible, Conflict `waiver_not_open` when it is withdrawn or expired already.
    """
    actor.require(waiver.project_id, Role.PLANNER)
    if actor.user_id != waiver.requested_by_id:
        actor.require_approver(waiver.project_id)
    _require_state(waiver, WaiverState.REQUESTED, WaiverState.IN_FORCE)
    return _change(waiver, "waiver.withdrawn", actor, {"withdrawn_by_id": actor.user_id, "withdrawn_at": now()}, None)


def _change(waiver: Waiver, action: str, actor: Actor, changes: dict[str, Any], version: int | None) -> Waiver:
    before = _public(waiver)
    with transaction.atomic():
        expected = waiver.version if version is None else version
        if not Waiver.objects.filter(pk=waiver.pk, version=expected).update(**changes, version=F("version") + 1):
            raise PreconditionFailed("Somebody else changed the waiver meanwhile.", next_step="Read it again, then decide.")
        waiver.refresh_from_db()
        record(actor, action, waiver, project=waiver.project, before=before, after=_public(waiver))
    return waiver


def _require_state(waiver: Waiver, *allowed: WaiverState) -> None:
    state = state_of(waiver, now())
    if state not in allowed:
        raise Conflict(
            f"This waiver is {state.value}.", code="waiver_not_open", next_step="Ask for a new one if the risk remains."
        )


def _check(rule_id: str, check_id: str, reason: str, expires_at: datetime) -> None:
    errors = []
    if bool(rule_id) == bool(check_id):
        errors.append({"field": "rule_id", "code": "one_of", "detail": "Name either a rule_id or a check_id."})
    if not reason.strip():
        errors.append({"field": "reason", "code": "required", "detail": "Say why the risk is acceptable."})
    if expires_at <= now():
        errors.append({"field": "expires_at", "code": "in_the_past", "detail": "The end must lie ahead."})
    if errors:
        raise Invalid("The waiver cannot be asked for like this.", errors=errors)


def _public(waiver: Waiver) -> dict[str, Any]:
    return {
        "rule_id": waiver.rule_id, "check_id": waiver.check_id, "subject": waiver.subject, "reason": waiver.reason,
        "expires_at": waiver.expires_at, "approved_by": waiver.approved_by_id, "withdrawn_by": waiver.withdrawn_by_id,
    }  # fmt: skip
