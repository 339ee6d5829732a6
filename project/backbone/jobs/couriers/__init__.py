"""How a worker learns of a queued job: worker processes that look (embedded mode) or a Celery message (full mode)."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings

from project.backbone.clock import now
from project.backbone.jobs.models import Job
from project.backbone.jobs.states import JobState


class Courier(Protocol):
    """A courier carries an id and nothing else; it may lose it, or bring it twice."""

    SENDS: bool
    """False where workers look into the table themselves and nothing is sent."""

    def wake(self, job_id: UUID, queue: str) -> bool:
        """Let some worker of `queue` try to claim the job soon. False: the line is down; never raises for that."""


def courier() -> Courier:
    """The courier of this mode (`settings.JOBS_COURIER` names its module)."""
    return cast(Courier, import_module(settings.JOBS_COURIER))


def send(job_id: UUID, queue: str) -> None:
    """Hand a due job's id to the courier, noting when, so that the sweep can tell a lost message from a fresh one.

    The note comes before the message: a worker may be done with the job before `wake` returns. A job for later is
    left to the sweep, because a message that comes too early claims nothing.
    """
    carrier, at = courier(), now()
    if not carrier.SENDS:
        return
    due = Job.objects.filter(pk=job_id, state=JobState.QUEUED, run_at__lte=at)
    if due.update(sent_at=at) and not carrier.wake(job_id, queue):
        Job.objects.filter(pk=job_id, sent_at=at).update(sent_at=None)
