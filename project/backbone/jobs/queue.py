"""Moves of job rows, each one compare-and-set: claim, beat, write, end. No row is locked, and a lost race is a normal answer.

What a move means for people (audit, problems) is in services.py; when to do it is in runner.py and sweep.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F

from project.backbone.clock import now
from project.backbone.jobs.handlers import asked_anew_while_running
from project.backbone.jobs.models import Job
from project.backbone.jobs.states import JobEvent, JobState, next_state


class LeaseLost(Exception):
    """Another worker holds the job, or it was ended: this attempt must stop and may write nothing more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a job: valid while the row still carries this fence and is running."""

    job_id: UUID
    fence: int


@dataclass(frozen=True, slots=True)
class WorkerName:
    """Who claims: shown in the API, so that a person can find the process."""

    host: str
    pid: int

    @property
    def owner(self) -> str:
        return f"{self.host}:{self.pid}"[:100]


def due(queue: str, *, at: datetime, limit: int) -> list[UUID]:
    """Ids of queued jobs of a queue whose time has come, oldest first."""
    rows = Job.objects.filter(state=JobState.QUEUED, queue=queue, run_at__lte=at)
    return list(rows.order_by("run_at", "created_at").values_list("id", flat=True)[:limit])


def claim(job_id: UUID, *, worker: WorkerName) -> tuple[Claim, Job] | None:
    """Take a queued, due job for this worker. None when somebody else has it or there is nothing left to do."""
    at = now()
    job = Job.objects.filter(pk=job_id, state=JobState.QUEUED, run_at__lte=at).first()
    if job is None:
        return None
    fence = job.fence + 1
    key = {"unique_key": ""} if asked_anew_while_running(job.kind) else {}
    taken = Job.objects.filter(pk=job_id, state=JobState.QUEUED, fence=job.fence).update(
        state=next_state(job.state, JobEvent.CLAIMED), fence=fence, attempts=F("attempts") + 1, started_at=job.started_at or at,
        lease_owner=worker.owner, lease_until=at + lease(), worker_host=worker.host[:200], worker_pid=worker.pid, **key,
    )  # fmt: skip
    if not taken:
        return None
    job.refresh_from_db()
    return Claim(job_id, fence), job


def lease() -> timedelta:
    """How long a claim holds without a beat."""
    return timedelta(seconds=settings.JOBS_LEASE_S)


def write_running(claim: Claim, **fields: Any) -> bool:
    """Write fields of a running job under its fence. False: the claim is no longer valid."""
    return bool(Job.objects.filter(pk=claim.job_id, fence=claim.fence, state=JobState.RUNNING).update(**fields))


def beat(claim: Claim) -> bool:
    """Prolong the lease. False: the claim is no longer valid."""
    return write_running(claim, lease_until=now() + lease())


def cancel_requested(claim: Claim) -> bool:
    """Whether a person asked to stop the job. Raises: LeaseLost."""
    held = Job.objects.filter(pk=claim.job_id, fence=claim.fence, state=JobState.RUNNING)
    row = held.values_list("cancel_requested_at").first()
    if row is None:
        raise LeaseLost(claim.job_id)
    return row[0] is not None


def end(claim: Claim, event: JobEvent, **fields: Any) -> bool:
    """Move a running job by `event` and give up the lease. False: the claim was no longer valid and nothing was written."""
    target = next_state(JobState.RUNNING, event)
    if target in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        fields["finished_at"] = now()
    return write_running(claim, state=target, lease_until=None, lease_owner="", **fields)
