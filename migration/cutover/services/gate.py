"""Asking, recording and signing the gate of a wave. What the gate answers is decided in core.gate; facts come from selectors.

Signing needs an approver who is not the person who asked. A signature counts only while the signed answer is the newest of
its kind, open and fresh.
"""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.db import transaction

from migration.cutover.core.gate import GateDecision, GateState, is_stale
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.selectors import latest_decision
from migration.planning import selectors as planning
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit import services as audit
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.jobs.services import IdempotencyKey
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict


def ask(
    project: Project,
    *,
    wave_id: UUID,
    actor: Actor,
    phase: Phase = Phase.ASKED,
    idempotency_key: IdempotencyKey | None = None,
) -> Job:
    """Ask for the job that collects the pool, evaluates its readiness and decides."""
    actor.require(project, Role.OPERATOR)
    wave = planning.wave(project.pk, wave_id)
    return jobs.enqueue(
        "cutover.gate",
        project=project,
        params={"wave_id": str(wave_id), "phase": phase.value},
        actor=actor,
        subject=wave.name,
        unique=f"cutover.gate:{wave_id}:{phase.value}",
        idempotency_key=idempotency_key,
    )


@transaction.atomic
def record(
    project: Project,
    *,
    wave_id: UUID,
    phase: Phase,
    decision: GateDecision,
    fact_ids: dict[str, str],
    actor: Actor,
    signed_as: UUID | None = None,
) -> GateDecisionRow:
    """Write an answer down. An open one inside a running cutover carries the signature of the answer that allowed it.

    `signed_as` is the id of that answer. Raises Conflict `gate_closed` when it is not a signed answer of this wave.
    """
    signed = _signature_of(wave_id, signed_as) if signed_as is not None and decision.state is GateState.OPEN else {}
    row = GateDecisionRow.objects.create(
        project=project,
        wave_id=wave_id,
        phase=phase.value,
        state=decision.state.value,
        decided_at=decision.decided_at,
        reasons=[asdict(reason) for reason in decision.reasons],
        warnings=[asdict(reason) for reason in decision.warnings],
        fact_ids=fact_ids,
        asked_by_id=actor.user_id,
        asked_by_name=actor.username,
        **signed,
    )
    after = {"state": row.state, "codes": [reason.code for reason in decision.reasons], "facts": fact_ids}
    audit.record(actor, "gate.decide", row, project=project, after=after)
    return row


def _signature_of(wave_id: UUID, decision_id: UUID) -> dict[str, object]:
    """The signature of one answer, with the time it was given at, so that carrying it on never makes it younger."""
    row = GateDecisionRow.objects.filter(pk=decision_id, wave_id=wave_id, state=GateState.OPEN.value).first()
    if row is None or row.signed_at is None:
        raise _not_signed(wave_id)
    return {
        "signed_by_id": row.signed_by_id,
        "signed_by_name": row.signed_by_name,
        "signed_at": row.signed_at,
        "signed_document": row.signed_document,
    }


def _not_signed(wave_id: UUID) -> Conflict:
    reason = {
        "code": "gate_not_signed",
        "subject": str(wave_id),
        "detail": "nobody has signed this answer of the gate",
        "remedy": "let an approver who did not ask the gate sign it (POST …/gate/sign), or hand in a document (…/gate/document)",
        "evidence": "",
    }
    return Conflict(
        "The gate's answer is not signed.", code="gate_closed", next_step=reason["remedy"], extra={"reasons": [reason]}
    )


@transaction.atomic
def sign(project: Project, *, wave_id: UUID, actor: Actor) -> GateDecisionRow:
    """Put a second person's name under the newest answer. Raises Conflict when it is closed, stale, or the signer's own."""
    actor.require_approver(project)
    row = require_open(project, wave_id=wave_id)
    require_another_person(row, actor)
    changed = GateDecisionRow.objects.filter(pk=row.pk, signed_at=None).update(
        signed_by_id=actor.user_id, signed_by_name=actor.username, signed_at=now()
    )
    if changed:
        audit.record(actor, "gate.sign", row, project=project, after={"signed_by": actor.username})
    row.refresh_from_db()
    return row


def require_another_person(row: GateDecisionRow, actor: Actor) -> None:
    """Raises: Conflict `own_request` for the person who asked."""
    if row.asked_by_id is not None and row.asked_by_id == actor.user_id:
        raise Conflict(
            "The person who asked the gate cannot sign its answer, nor record its signature.",
            code="own_request",
            next_step="Let another approver of this project sign, or another operator hand the signed document in.",
        )


def require_open(project: Project, *, wave_id: UUID) -> GateDecisionRow:
    """The newest answer if it is open and fresh. Raises Conflict `gate_closed` or `gate_stale`, with the reasons."""
    planning.wave(project.pk, wave_id)
    row = latest_decision(wave_id)
    if row is None:
        raise Conflict("The gate of this wave was never asked.", code="gate_closed", next_step="POST …/gate and read its answer.")
    if row.state != GateState.OPEN.value:
        raise Conflict(
            f"The gate is closed for {len(row.reasons)} reasons.",
            code="gate_closed",
            next_step="Work through the remedies, then ask the gate again.",
            extra={"reasons": row.reasons, "decided_at": row.decided_at.isoformat()},
        )
    if is_stale(row.decided_at, now()):
        raise _stale(row, f"The gate's answer of {row.decided_at:%Y-%m-%d %H:%M} UTC")
    return row


def require_signed(project: Project, *, wave_id: UUID) -> GateDecisionRow:
    """The newest answer if it is open, fresh and signed by a second person. Raises Conflict otherwise."""
    row = require_open(project, wave_id=wave_id)
    if row.signed_at is None:
        raise _not_signed(wave_id)
    if is_stale(row.signed_at, now()):
        raise _stale(row, f"The signature of {row.signed_at:%Y-%m-%d %H:%M} UTC")
    return row


def _stale(row: GateDecisionRow, what: str) -> Conflict:
    return Conflict(
        f"{what} is too old to cut over on.",
        code="gate_stale",
        next_step="Ask the gate again and have it signed.",
        extra={"decided_at": row.decided_at.isoformat(), "reasons": row.reasons},
    )
