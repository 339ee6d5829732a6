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

    def wake(self, job_id: UUID, queue: str) -> bool:
        """Let some worker of `queue` try to claim the job soon. False: no message is on its way; never raises for that."""


def courier() -> Courier:
    """The courier of this mode (`settings.JOBS_COURIER` names its module)."""
    return cast(Courier, import_module(settings.JOBS_COURIER))


def send(job_id: UUID, queue: str) -> None:
    """Hand the id to the courier and note when, so that the sweep can tell a lost message from a fresh one."""
    if courier().wake(job_id, queue):
        Job.objects.filter(pk=job_id, state=JobState.QUEUED).update(sent_at=now())
