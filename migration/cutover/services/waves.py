"""What people do with a wave: start it (prepare its machines), cut it over, roll it back. Each answers with a job.

A cutover is accepted only on an open, fresh gate signed by a second person; the job asks the gate twice more by itself.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from migration.conversion import selectors as conversions
from migration.conversion.core.states import State, may_be_rolled_back
from migration.conversion.selectors import Conversion
from migration.conversion.services import lifecycle
from migration.conversion.services.transitions import note
from migration.cutover.services.gate import require_signed
from migration.planning import selectors as planning
from project.backbone.accounts.policy import Actor, Role
from project.backbone.jobs import services as jobs
from project.backbone.jobs.services import IdempotencyKey, JobMoved
from project.backbone.jobs.states import UNFINISHED
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict

STOP_TRIES = 3


def start(project: Project, *, wave_id: UUID, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the job that makes the wave's machines in the pool, halted and blocked. Raises Conflict for an unapproved plan."""
    actor.require(project, Role.OPERATOR)
    wave = planning.wave(project.pk, wave_id)
    if not planning.may_be_prepared(wave_id):
        raise Conflict(
            f"The plan of {wave.name} is not approved.",
            code="plan_not_approved",
            next_step="Let an approver who did not write the plan approve it.",
        )
    if jobs.job_of_key(idempotency_key, project=project, actor=actor) is None:
        _refuse_while_rolling_back(wave_id, wave.name)
    return _enqueue("cutover.start_wave", project, wave_id, wave.name, actor, idempotency_key)


def retry(project: Project, *, wave_id: UUID, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the job that takes up every machine that failed before its VM was started, or was never begun.

    Raises Conflict `nothing_failed` (409).
    """
    actor.require(project, Role.OPERATOR)
    wave = planning.wave(project.pk, wave_id)
    earlier = jobs.job_of_key(idempotency_key, project=project, actor=actor)
    if earlier is not None:
        return earlier
    if not conversions.has_retryable(wave_id):
        raise Conflict(
            f"No machine of {wave.name} waits to be begun, or failed before its VM was started.",
            code="nothing_failed",
            next_step="Ask the gate when they are ready; retry or roll back by itself what failed after its start.",
        )
    _refuse_while_rolling_back(wave_id, wave.name)
    return _enqueue("cutover.retry_wave", project, wave_id, wave.name, actor, idempotency_key)


def cut_over(project: Project, *, wave_id: UUID, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the cutover of every prepared machine of the wave. Raises Conflict `gate_closed` or `gate_stale`."""
    actor.require(project, Role.OPERATOR)
    signed = require_signed(project, wave_id=wave_id)
    name = planning.wave(project.pk, wave_id).name
    if jobs.job_of_key(idempotency_key, project=project, actor=actor) is None:
        _refuse_while_rolling_back(wave_id, name)
    return _enqueue("cutover.cut_over_wave", project, wave_id, name, actor, idempotency_key, decision_id=str(signed.pk))


@transaction.atomic
def roll_back(project: Project, *, wave_id: UUID, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask to roll back every machine of the wave that allows it: VM in the pool stopped and blocked, source as it was.

    A cutover of the wave that still goes on is cancelled first, so that no machine goes live behind the rollback.
    """
    actor.require(project, Role.OPERATOR)
    wave = planning.wave(project.pk, wave_id)
    earlier = jobs.job_of_key(idempotency_key, project=project, actor=actor)
    if earlier is not None:
        return earlier
    going_on = cutovers_of(wave_id)
    if not going_on and not any(map(may_be_taken_back, conversions.conversions_of_wave(wave_id))):
        raise Conflict(
            "No machine of this wave can be rolled back.",
            code="wrong_state",
            next_step="Only copied, done and failed machines roll back.",
        )
    for cutover in going_on:
        jobs.cancel(cutover, actor)
    return _enqueue("cutover.roll_back_wave", project, wave_id, wave.name, actor, idempotency_key)


def may_be_taken_back(row: Conversion) -> bool:
    """Whether a rollback of the wave takes the machine along."""
    return may_be_rolled_back(State(row.state), source_touched=row.source_was_touched)


def _refuse_while_rolling_back(wave_id: UUID, name: str) -> None:
    """What is taken up or started while its wave is taken back would go live, and be taken back at once."""
    if Job.objects.filter(unique_key=f"cutover.roll_back_wave:{wave_id}", state__in=UNFINISHED).exists():
        raise Conflict(
            f"{name} is being rolled back.",
            code="wave_busy",
            next_step="Wait until the rollback has ended, or cancel its job.",
        )


def cutovers_of(wave_id: UUID | str) -> list[Job]:
    """The wave's cutovers that have not ended."""
    return list(Job.objects.filter(unique_key=f"cutover.cut_over_wave:{wave_id}", state__in=UNFINISHED))


def stop_machines(wave_id: UUID, *, actor: Actor) -> None:
    """A cutover ended before its time: nobody conducts the copies and starts it asked for, so they are stopped as well."""
    for row in conversions.conversions_of_wave(wave_id):
        for attempt in range(STOP_TRIES):
            try:
                lifecycle.stop_work(row, actor=actor)
            except JobMoved:  # a worker took or ended it in this moment; it is looked at again
                if attempt == STOP_TRIES - 1:
                    note(row, "Its job moved on while its cutover was stopped, and goes on; cancel it by itself.")
                continue
            break


def _enqueue(
    kind: str,
    project: Project,
    wave_id: UUID,
    name: str,
    actor: Actor,
    idempotency_key: IdempotencyKey | None,
    **params: str,
) -> Job:
    return jobs.enqueue(
        kind,
        project=project,
        params={"wave_id": str(wave_id), **params},
        actor=actor,
        subject=name,
        unique=f"{kind}:{wave_id}",
        idempotency_key=idempotency_key,
    )
