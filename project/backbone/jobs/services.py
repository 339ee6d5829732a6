"""Asking for work, stopping it, asking for it again. Each change commits with its audit entry; the courier is woken on commit."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

from project.backbone.accounts.models import Project
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs.couriers import send
from project.backbone.jobs.handlers import asked_anew_while_running, handler_of, repeat_instead, tell_stop
from project.backbone.jobs.models import Job
from project.backbone.jobs.states import UNFINISHED, IllegalTransition, JobEvent, next_state
from project.backbone.problems import Conflict


class IdempotencyKey(str):
    """A client's key, with the digest of the request it came with (method, path, body)."""

    digest: str

    def __new__(cls, key: str, *, digest: str) -> IdempotencyKey:
        made = super().__new__(cls, key)
        made.digest = digest
        return made


class IdempotencyKeyReused(Conflict):
    """The same Idempotency-Key came with another request before."""

    code = "idempotency_key_reused"


class JobMoved(Conflict):
    """The job changed its state while it was being asked to; look at it again."""

    code = "job_moved"


def enqueue(
    kind: str,
    *,
    project: Project | None,
    params: dict[str, Any],
    actor: Actor,
    subject: str = "",
    idempotency_key: str | None = None,
    run_at: datetime | None = None,
    unique: str | None = None,
) -> Job:
    """Write a job row and wake a worker once the caller's transaction has committed.

    `params` go to the handler as keyword arguments (ids and options; never secrets or facts). With `unique`, an unfinished
    job of the project with that key is returned instead of a second one (of kinds that are asked anew while running: a job that
    nobody has begun, which then begins after the caller's transaction has committed). With `idempotency_key`, the job that this
    person made earlier with the key is returned.

    Raises: IdempotencyKeyReused (409) when the key came with another request (or, for a bare text, other params) before.
    """
    job = Job(
        kind=kind,
        queue=handler_of(kind).queue,
        project=project,
        subject=subject[:300],
        params=json.loads(json.dumps(params, cls=DjangoJSONEncoder)),
        run_at=run_at or now(),
        created_by_id=actor.user_id,
        requested_by_name=actor.username[:200],
        unique_key=unique or "",
        idempotency_key=idempotency_key or "",
    )
    job.idempotency_digest = idempotency_key.digest if isinstance(idempotency_key, IdempotencyKey) else _digest(job)
    with transaction.atomic():
        earlier = _earlier(job)
        return earlier if earlier is not None else _insert(job, actor)


def _insert(job: Job, actor: Actor, *, tries: int = 3) -> Job:
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        earlier = _earlier(job)  # somebody else asked for the very same in this moment
        if earlier is None and tries == 1:
            raise
        return _insert(job, actor, tries=tries - 1) if earlier is None else earlier  # it was begun or ended since: ask again
    record(actor, "job.asked_for", job, project=job.project, after={"kind": job.kind, "subject": job.subject})
    wake_on_commit(job)
    return job


def job_of_key(key: IdempotencyKey | None, *, project: Project | None, actor: Actor) -> Job | None:
    """The job this person's earlier request with the key led to, for views that write rows before they enqueue.

    Raises: IdempotencyKeyReused (409).
    """
    return None if key is None else _of_key(project, actor.user_id, key, key.digest)


def _earlier(job: Job) -> Job | None:
    earlier = None
    if job.idempotency_key:
        earlier = _of_key(job.project, job.created_by_id, job.idempotency_key, job.idempotency_digest)
    if earlier is None and job.unique_key:
        earlier = _of_unique_key(job)
    return earlier


def _of_unique_key(job: Job) -> Job | None:
    """The row is written, unchanged, where a claim takes the key away: a claim in this moment waits for the caller's commit, so
    that the run sees what the caller wrote; or it was first, and then the key matches no more.
    """
    same = Job.objects.filter(project=job.project, unique_key=job.unique_key, state__in=UNFINISHED)
    earlier = same.first()
    if earlier is None or not asked_anew_while_running(job.kind):
        return earlier
    return earlier if same.filter(pk=earlier.pk).update(unique_key=job.unique_key) else None


def _of_key(project: Project | None, user_id: UUID | None, key: str, digest: str) -> Job | None:
    earlier = Job.objects.filter(project=project, created_by=user_id, idempotency_key=str(key)).first()
    if earlier is not None and earlier.idempotency_digest != digest:
        raise IdempotencyKeyReused(
            "This Idempotency-Key was used before for another request.",
            next_step="Use a new key for a new request; repeat the old request unchanged to find its job.",
        )
    return earlier


def _digest(job: Job) -> str:
    asked = json.dumps([job.kind, job.subject, job.params], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def cancel(job: Job, actor: Actor) -> Job:
    """Stop a job: at once when it is queued or waiting, at its next `alive()` when it runs. A finished job stays as it is.

    Raises: RoleTooLow (operator), NotVisible, JobMoved (409).
    """
    _require_operator(job, actor)
    job.refresh_from_db()
    if job.state not in UNFINISHED:
        return job
    wishes: dict[str, Any] = {"cancel_requested_at": now()}
    if job.state == "running":
        return _move(job, actor, "job.cancelled", wishes)
    wishes |= {"state": next_state(job.state, JobEvent.STOPPED), "finished_at": now(), "message": "Cancelled before it ran."}
    with transaction.atomic():
        moved = _move(job, actor, "job.cancelled", wishes)
        tell_stop(moved, actor)
    return moved


def retry(job: Job, actor: Actor) -> Job:
    """Queue a failed or cancelled job again; it goes on from its checkpoint.

    Raises: RoleTooLow (operator), NotVisible, Conflict `job_not_retryable` or `job_not_repeatable` (409), JobMoved (409).
    """
    _require_operator(job, actor)
    job.refresh_from_db()
    instead = repeat_instead(job.kind)
    if instead:
        raise Conflict(f"An ended {job.kind} is not run again.", code="job_not_repeatable", next_step=instead)
    try:
        target = next_state(job.state, JobEvent.ASKED_AGAIN)
    except IllegalTransition:
        raise Conflict(
            f"A {job.state} job cannot be run again.", code="job_not_retryable", next_step="Only failed and cancelled jobs can."
        ) from None
    wishes: dict[str, Any] = {
        "state": target, "run_at": now(), "sent_at": None, "finished_at": None, "cancel_requested_at": None,
        "error": None, "message": "", "tries": 0, "losses": 0,
    }  # fmt: skip
    moved = _move(job, actor, "job.asked_again", wishes)
    wake_on_commit(moved)
    return moved


def _require_operator(job: Job, actor: Actor) -> None:
    if job.project_id is None:
        actor.require_superuser()
    else:
        actor.require(job.project_id, Role.OPERATOR)


def _move(job: Job, actor: Actor, action: str, wishes: dict[str, Any]) -> Job:
    before = {"state": str(job.state)}
    with transaction.atomic():
        try:
            with transaction.atomic():
                moved = Job.objects.filter(pk=job.pk, state=job.state, fence=job.fence).update(**wishes)
        except IntegrityError:  # another unfinished job holds the unique key now
            moved = 0
        if not moved:
            raise JobMoved(f"The job {job.kind} has moved on meanwhile.", next_step="Read it again, then decide.")
        record(actor, action, job, project=job.project, before=before, after={"state": str(wishes.get("state", job.state))})
    job.refresh_from_db()
    return job


def wake_on_commit(job: Job) -> None:
    """Tell the courier once the row is really there; a message that gets lost is sent again by the sweep."""
    transaction.on_commit(lambda: send(job.id, job.queue))
