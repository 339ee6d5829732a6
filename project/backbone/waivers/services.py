"""Waivers: one person asks, another approves, either side may withdraw.

Nothing here says what can be waived (catalogue.py, filled by the apps) or what a waiver opens (the apps).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from project.backbone.accounts.models import Project
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.problems import Conflict, Invalid, PreconditionFailed
from project.backbone.waivers import catalogue
from project.backbone.waivers.catalogue import Kind
from project.backbone.waivers.models import Waiver
from project.backbone.waivers.selectors import WaiverState, state_of

FIRST_READ = "Correct the listed fields; GET /api/v1/rules and GET /api/v1/checks list the ids and who may waive a check."


def request_waiver(
    project: Project, *, rule_id: str = "", check_id: str = "", subject: str, reason: str, expires_at: datetime, actor: Actor
) -> Waiver:
    """Ask for a risk to be accepted until `expires_at`. It counts only once somebody else approved it.

    Raises: RoleTooLow (planner), NotVisible, Conflict `not_waivable` (409), Invalid (both or no id, an id or a subject that
    does not exist, an end in the past or too far ahead, no reason).
    """
    actor.require(project, Role.PLANNER)
    if actor.user_id is None:
        raise Invalid("A waiver is asked for by a person.")
    waiver = Waiver(
        project=project, rule_id=rule_id, check_id=check_id, subject=subject, reason=reason.strip(), expires_at=expires_at,
        requested_by_id=actor.user_id,
    )  # fmt: skip
    _check(waiver, waiver.reason, expires_at)
    with transaction.atomic():
        waiver.save(force_insert=True)
        record(actor, "waiver.requested", waiver, project=project, after=_public(waiver))
    return waiver


def edit_waiver(
    waiver: Waiver, *, reason: str | None = None, expires_at: datetime | None = None, actor: Actor, version: int | None = None
) -> Waiver:
    """Change a waiver that nobody approved yet; an approved one is withdrawn and asked for anew instead.

    Raises: RoleTooLow (planner), NotVisible, Invalid, Conflict `waiver_not_open` or `not_waivable`, PreconditionFailed.
    """
    actor.require(waiver.project_id, Role.PLANNER)
    _require_state(waiver, WaiverState.REQUESTED)
    changes: dict[str, Any] = {
        "reason": waiver.reason if reason is None else reason.strip(),
        "expires_at": expires_at or waiver.expires_at,
    }
    _check(waiver, changes["reason"], changes["expires_at"])
    return _change(waiver, "waiver.edited", actor, changes, version)


def approve_waiver(waiver: Waiver, *, actor: Actor) -> Waiver:
    """A second person accepts the risk.

    Raises: RoleTooLow (approver), NotVisible, Conflict `own_request` or `waiver_not_open` (409).
    """
    actor.require_approver(waiver.project_id)
    if actor.user_id == waiver.requested_by_id:
        raise Conflict(
            "You asked for this waiver, so somebody else has to approve it.",
            code="own_request",
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


def _check(waiver: Waiver, reason: str, expires_at: datetime) -> None:
    errors = []
    if bool(waiver.rule_id) == bool(waiver.check_id):
        errors.append({"field": "rule_id", "code": "one_of", "detail": "Name either a rule_id or a check_id."})
    else:
        errors.extend(_objections(waiver, expires_at))
    if not reason.strip():
        errors.append({"field": "reason", "code": "required", "detail": "Say why the risk is acceptable."})
    if expires_at <= now():
        errors.append({"field": "expires_at", "code": "in_the_past", "detail": "The end must lie ahead."})
    if errors:
        raise Invalid("The waiver cannot be asked for like this.", errors=errors, next_step=FIRST_READ)


def _objections(waiver: Waiver, expires_at: datetime) -> Iterator[dict[str, str]]:
    """What the app that registered the id has against this waiver, field by field. Raises: Conflict `not_waivable`."""
    kind, waived_id = (Kind.RULE, waiver.rule_id) if waiver.rule_id else (Kind.CHECK, waiver.check_id)
    found = catalogue.find(waiver.project, kind, waived_id)
    if found is None:
        yield {"field": kind.value, "code": "does_not_exist", "detail": f"Nothing that could be waived has the id {waived_id!r}."}
        return
    family, terms = found
    if not terms.waivable:
        next_step = "Work through its remediation until it passes."
        raise Conflict(f"{waived_id} is accepted by nobody: it cannot be waived.", code="not_waivable", next_step=next_step)
    if not family.subject_exists(waiver.project, waiver.subject):
        detail = f"A waiver of {waived_id} names the {family.subject}; {waiver.subject!r} is none."
        yield {"field": "subject", "code": "does_not_exist", "detail": detail}
    if expires_at > now() + terms.longest:
        detail = f"{waived_id} is waived for at most {terms.longest.days} days."
        yield {"field": "expires_at", "code": "out_of_range", "detail": detail}


def _public(waiver: Waiver) -> dict[str, Any]:
    return {
        "rule_id": waiver.rule_id, "check_id": waiver.check_id, "subject": waiver.subject, "reason": waiver.reason,
        "expires_at": waiver.expires_at, "approved_by": waiver.approved_by_id, "withdrawn_by": waiver.withdrawn_by_id,
    }  # fmt: skip
