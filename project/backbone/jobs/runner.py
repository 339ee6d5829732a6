"""Runs one claimed job: beats its lease, calls its handler, and writes down how it ended. The one place that catches everything.

Who hands jobs over is worker.py (embedded) or the Celery courier; both call `run_job(id)` and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import OperationalError, connections, transaction

from estate.errors import AskPerson, EdgeError, Retry, Wait
from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs import queue
from project.backbone.jobs.context import JobCancelled, JobContext, JobWaiting, WorkerStopping
from project.backbone.jobs.handlers import UnknownKind, handler_of, tell_failure, tell_stop
from project.backbone.jobs.models import Job
from project.backbone.jobs.queue import Claim, LeaseLost, WorkerName
from project.backbone.jobs.states import JobEvent
from project.backbone.logs import redacted_text
from project.backbone.problems import Problem

MOST_TRIES = 5
LONGEST_PAUSE_S = 300.0
log = structlog.get_logger("xenbound.jobs")


def run_job(job_id: UUID, *, worker: WorkerName, stopping: threading.Event | None = None) -> bool:
    """Claim the job and run it to the end of this attempt. False when there was nothing to claim.

    Called any number of times for one id, by any number of workers: all but one lose the claim and return at once.
    Once `stopping` is set, the handler's next `alive()` hands the job back for another worker.
    """
    claimed = queue.claim(job_id, worker=worker)
    if claimed is None:
        return False
    claim, job = claimed
    with structlog.contextvars.bound_contextvars(job_id=str(job.id), kind=job.kind, fence=claim.fence):
        log.info("job_started", attempt=job.attempts)
        with _beating(claim) as lost:
            _attempt(claim, job, lost, stopping)
    return True


def _attempt(claim: Claim, job: Job, lost: threading.Event, stopping: threading.Event | None) -> None:
    """One call of the handler. Whatever leaves it becomes one move of the row; a traceback goes to the log, not to the answer."""
    try:
        handler = handler_of(job.kind)
        context = JobContext.of(claim, job, lost=lost, stopping=stopping)
        result = handler.function(context, **job.params)
        _end(claim, job, JobEvent.FINISHED, result=result, error=None)
    except JobWaiting as waiting:
        _wait(claim, job, waiting.seconds, waiting.why)
    except Wait as waiting:
        _wait(claim, job, waiting.after_s, waiting.message)
    except WorkerStopping:
        _end(claim, job, JobEvent.HANDED_BACK, sent_at=None)
    except JobCancelled:
        _end(claim, job, JobEvent.STOPPED, message="Cancelled while it ran.")
    except LeaseLost:
        log.warning("job_lease_lost")
    except Retry as passing:
        _try_again(claim, job, passing)
    except (EdgeError, Problem, UnknownKind) as refused:
        log.warning("job_refused", error=str(refused), code=getattr(refused, "code", "unknown_kind"))
        _end(claim, job, JobEvent.BROKE, error=_error_of(refused))
    except OperationalError as fault:
        # A lock not given in time, a deadlock or a broken line: the row is fine, and the same attempt may work soon.
        log.warning("job_database_fault", error=str(fault))
        _try_again(claim, job, Retry("The database was busy or did not answer.", code="database_busy", after_s=2))
    except Exception as fault:
        log.exception("job_broke")
        _end(claim, job, JobEvent.BROKE, error=_error_of(fault))


def _try_again(claim: Claim, job: Job, passing: Retry) -> None:
    """A passing fault: queued again with a growing pause, failed after the fifth try."""
    job.refresh_from_db(fields=["tries"])  # the handler may have made headway, which forgives earlier tries
    tries = job.tries + 1
    log.warning("job_passing_fault", error=passing.message, code=passing.code, tries=tries)
    if tries >= MOST_TRIES:
        _end(claim, job, JobEvent.BROKE, error=_error_of(passing), tries=tries)
        return
    pause_s = min(LONGEST_PAUSE_S, passing.after_s * 2 ** (tries - 1))
    message = f"{redacted_text(passing.message)} Trying again in {pause_s:.0f} s (try {tries} of {MOST_TRIES})."
    _end(claim, job, JobEvent.WILL_RETRY, tries=tries, run_at=now() + timedelta(seconds=pause_s), sent_at=None, message=message)


def _wait(claim: Claim, job: Job, seconds: float, why: str) -> None:
    _end(claim, job, JobEvent.MUST_WAIT, run_at=now() + timedelta(seconds=seconds), sent_at=None, message=redacted_text(why))


def _end(claim: Claim, job: Job, event: JobEvent, **fields: Any) -> None:
    """Move the row and, when that ends the job, write its audit entry with it. A lost claim writes neither."""
    with transaction.atomic():
        if not queue.end(claim, event, **fields):
            log.warning("job_lease_lost", wanted=event.value)
            return
        if event in AUDITED:
            actor = Actor.system(f"job:{job.kind}", requested_by=job.created_by_id)
            record(actor, AUDITED[event], job, project=job.project, after={"kind": job.kind, "error": fields.get("error")})
            if event is JobEvent.BROKE:
                tell_failure(job, fields["error"], actor)
            if event is JobEvent.STOPPED:
                tell_stop(job, actor)
    log.info("job_left", event_name=event.value)


AUDITED = {JobEvent.FINISHED: "job.finished", JobEvent.BROKE: "job.failed", JobEvent.STOPPED: "job.stopped"}


def _error_of(fault: BaseException) -> dict[str, Any]:
    """`{code, message, next_step}` for people. Only errors made for people are quoted."""
    if isinstance(fault, EdgeError):
        shown = fault.message if not fault.where or fault.where in fault.message else f"{fault.message} ({fault.where})"
        return {"code": fault.code, "message": redacted_text(shown), "next_step": fault.next_step or _default_step(fault)}
    if isinstance(fault, Problem):
        return {"code": fault.code, "message": redacted_text(fault.detail), "next_step": fault.next_step}
    if isinstance(fault, UnknownKind):
        return {
            "code": "unknown_kind",
            "message": str(fault),
            "next_step": "Start workers of the same release as the web process.",
        }
    return {
        "code": "internal_error",
        "message": f"The job met a fault it did not foresee ({type(fault).__name__}); the log has it under the job's id.",
        "next_step": "Run the job again; if it fails the same way, give the job's id to whoever runs the server.",
    }


def _default_step(fault: EdgeError) -> str:
    return "" if isinstance(fault, AskPerson) else "Run the job again once the other side answers."


@contextmanager
def _beating(claim: Claim) -> Iterator[threading.Event]:
    """Prolongs the lease from a thread of its own; the yielded event is set when the claim is gone."""
    lost, ended = threading.Event(), threading.Event()
    thread = threading.Thread(target=_beat_until, args=(claim, lost, ended), name=f"beat {claim.job_id}", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        ended.set()
        thread.join()


def _beat_until(claim: Claim, lost: threading.Event, ended: threading.Event) -> None:
    while not ended.wait(settings.JOBS_BEAT_S):
        try:
            if not queue.beat(claim):
                lost.set()
                break
        except DatabaseFault as fault:
            log.warning("job_beat_failed", error=str(fault), job_id=str(claim.job_id))
    connections.close_all()
