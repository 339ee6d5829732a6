"""Builders for jobs: ask for one of a kind of the tests' own; run queued ones here and now, in the test's own thread."""

from __future__ import annotations

from typing import Any

from project.backbone.clock import now
from project.backbone.jobs import services
from project.backbone.jobs.models import Job
from project.backbone.jobs.queue import WorkerName
from project.backbone.jobs.runner import run_job
from project.backbone.jobs.states import JobState
from project.backbone.jobs.sweep import wake_due
from tests.builders.people import People

HERE = WorkerName(host="test", pid=1)
KIND = "test.work"


def ask(people: People, **changes: Any) -> Job:
    """A job of KIND that the owner asks for; the fixture `work` says what it does."""
    given = {"project": people.project, "params": {}, "actor": people.actor("owner"), **changes}
    return services.enqueue(KIND, **given)


def reloaded(job: Job) -> Job:
    job.refresh_from_db()
    return job


def run_jobs(*, kind: str | None = None, most: int = 50) -> list[Job]:
    """Run queued, due jobs (of one kind when told) until none is left, the ones they queue too; the jobs that ran, reloaded."""
    ran: list[Job] = []
    for _ in range(most):
        wake_due()
        due = Job.objects.filter(state=JobState.QUEUED, run_at__lte=now()).order_by("run_at", "created_at")
        job = (due.filter(kind=kind) if kind else due).first()
        if job is None:
            return ran
        run_job(job.pk, worker=HERE)
        job.refresh_from_db()
        ran.append(job)
    raise AssertionError(f"more than {most} jobs ran; does one queue itself for ever?")
