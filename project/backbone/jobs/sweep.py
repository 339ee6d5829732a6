"""The sweep: brings back what got lost. Expired leases are queued again, due waiting rows woken, lost messages sent again.

Any number of sweeps may run at once: each move is compare-and-set. The ticker process calls `sweep()` every second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs.couriers import send
from project.backbone.jobs.handlers import tell_failure, tell_stop
from project.backbone.jobs.models import Job
from project.backbone.jobs.states import JobEvent, JobState, next_state

MOST_LOSSES = 10
BATCH = 500
log = structlog.get_logger("xenbound.jobs")
WORKERS_DIE = {
    "code": "workers_die",
    "message": f"{MOST_LOSSES} workers died while they ran this job.",
    "next_step": "Look at the server's memory and at the log under the job's id, then run the job again.",
}


@dataclass(frozen=True, slots=True)
class Swept:
    """How many rows one sweep moved or sent."""

    revived: int
    woken: int
    sent: int


def sweep() -> Swept:
    """One round."""
    return Swept(revived=revive_orphans(), woken=wake_due(), sent=send_again())


def revive_orphans() -> int:
    """Queue running jobs again whose lease ran out: their worker died or lost its database."""
    at = now()
    rows = Job.objects.filter(state=JobState.RUNNING, lease_until__lt=at)
    return sum(_revive(job) for job in rows.select_related("project")[:BATCH])


def _revive(job: Job) -> bool:
    losses = job.losses + 1
    ends = _ending(job, losses)
    target = next_state(job.state, ends or JobEvent.LEASE_EXPIRED)
    fields: dict[str, object] = {"state": target, "losses": losses, "lease_until": None, "lease_owner": "", "sent_at": None}
    if ends is not None:
        fields |= {"finished_at": now(), "error": WORKERS_DIE if ends is JobEvent.GIVEN_UP else None}
    same = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence, lease_until=job.lease_until)
    with transaction.atomic():
        if not same.update(**fields):
            return False
        if ends is not None:
            actor = Actor.system("job:sweep", requested_by=job.created_by_id)
            record(actor, "job.stopped" if ends is JobEvent.STOPPED else "job.failed", job, project=job.project)
            if ends is JobEvent.GIVEN_UP:
                tell_failure(job, WORKERS_DIE, actor)
            if ends is JobEvent.STOPPED:
                tell_stop(job, actor)
    log.warning("job_worker_lost", job_id=str(job.pk), kind=job.kind, worker=job.lease_owner, losses=losses)
    return True


def _ending(job: Job, losses: int) -> JobEvent | None:
    if job.cancel_requested_at is not None:
        return JobEvent.STOPPED
    return JobEvent.GIVEN_UP if losses >= MOST_LOSSES else None


def wake_due() -> int:
    """Queue waiting jobs whose time has come."""
    due = Job.objects.filter(state=JobState.WAITING, run_at__lte=now())
    return due.update(state=next_state(JobState.WAITING, JobEvent.DUE), sent_at=None)


def send_again() -> int:
    """Send a message for every due, queued job that has none on the way, or whose message must have been lost."""
    at = now()
    unheard = Q(sent_at__isnull=True) | Q(sent_at__lt=at - timedelta(seconds=settings.JOBS_RESEND_S))
    rows = Job.objects.filter(unheard, state=JobState.QUEUED, run_at__lte=at).order_by("run_at")
    ids = list(rows.values_list("pk", "queue")[:BATCH])
    for job_id, queue in ids:
        send(job_id, queue)
    return len(ids)
