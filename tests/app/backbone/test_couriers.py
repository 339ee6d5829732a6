"""One contract for both couriers: whoever carries the id, every job runs once, late ones wait, lost messages come again.

Embedded: worker threads on the table. Full: a Celery worker in this process over the in-memory transport (Redis itself
is in tests/acceptance/jobs).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.db import connections
from kombu.exceptions import OperationalError

from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.jobs import handlers, services, sweep
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.couriers import celery
from project.backbone.jobs.queue import WorkerName
from project.backbone.jobs.worker import Worker
from project.backbone.models import Job, Project
from tests.builders.people import a_project

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system("test")
KIND = "test.counted"


@contextmanager
def embedded_worker() -> Iterator[None]:
    worker = Worker({"default": 3, "disks": 1}, WorkerName("test", 1))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()
        worker.join(5)


@contextmanager
def celery_worker() -> Iterator[None]:
    with start_worker(celery.app, pool="threads", concurrency=3, perform_ping_check=False, queues="default,disks"):
        yield


@pytest.fixture(params=["local", "celery"])
def courier(request: pytest.FixtureRequest, settings: Any) -> Iterator[Callable[[], Any]]:
    """The courier of this run; call it to start its worker."""
    settings.JOBS_COURIER = f"project.backbone.jobs.couriers.{request.param}"
    with ExitStack() as stack:
        start = embedded_worker if request.param == "local" else celery_worker
        yield lambda: stack.enter_context(start())
    if request.param == "celery":
        with celery.app.connection_for_write() as line:
            for name in ("default", "disks"):
                line.default_channel.queue_declare(queue=name, passive=False)
                line.default_channel.queue_purge(queue=name)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the jobs whose handler was called, in order."""
    called: list[str] = []
    monkeypatch.setattr(handlers, "_handlers", dict(handlers._handlers))

    def counted(job: JobContext, wait_s: float = 0) -> None:
        called.append(str(job.id))
        connections.close_all()
        if wait_s and job.attempt == 1:
            job.wait(wait_s, "A moment.")

    handlers.handler(KIND)(counted)
    handlers.handler(f"{KIND}.disk", queue="disks")(counted)
    return called


def ended(jobs: list[Job], *, within_s: float = 15, tick: bool = False) -> set[str]:
    """States once all jobs ended; sweeps meanwhile when told, as the ticker would."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if tick:
            sweep.sweep()
        states = set(Job.objects.filter(pk__in=[job.pk for job in jobs]).values_list("state", flat=True))
        if not states & {"queued", "running", "waiting"}:
            return states
        time.sleep(0.05)
    raise AssertionError(f"jobs did not end: {states}")


def asked(project: Project, count: int = 1, kind: str = KIND, **changes: Any) -> list[Job]:
    return [services.enqueue(kind, **{"project": project, "params": {}, "actor": SYSTEM, **changes}) for _ in range(count)]


def test_every_job_runs_exactly_once_on_its_queue(courier: Any, calls: list[str]) -> None:
    courier()
    jobs = asked(a_project(), 6) + asked(a_project(), 2, f"{KIND}.disk")
    assert ended(jobs) == {"succeeded"}
    assert sorted(calls) == sorted(str(job.id) for job in jobs)


def test_a_message_that_comes_twice_runs_nothing_twice(courier: Any, calls: list[str]) -> None:
    jobs = asked(a_project(), 3)
    Job.objects.update(sent_at=None)
    sweep.send_again()
    Job.objects.update(sent_at=None)
    sweep.send_again()
    courier()
    assert ended(jobs) == {"succeeded"}
    assert sorted(calls) == sorted(str(job.id) for job in jobs)


def test_a_lost_message_is_sent_again(courier: Any, calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    project = a_project()
    with monkeypatch.context() as line:
        line.setattr(celery.run_job_task, "apply_async", lambda **_: None)
        jobs = asked(project, 2)
    Job.objects.update(sent_at=now() - timedelta(seconds=61))
    courier()
    assert ended(jobs, tick=True) == {"succeeded"}


def test_a_dead_line_does_not_break_the_request_that_asks_for_work(
    courier: Any, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(**_: Any) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as line:
        line.setattr(celery.run_job_task, "apply_async", dead)
        jobs = asked(a_project())
    assert jobs[0].sent_at is None
    courier()
    assert ended(jobs, tick=True) == {"succeeded"}


def test_a_job_for_later_and_one_that_waits_are_called_when_due(courier: Any, calls: list[str]) -> None:
    courier()
    project = a_project()
    late = asked(project, run_at=now() + timedelta(seconds=0.5))
    waiting = asked(project, params={"wait_s": 0.3})
    assert ended([*late, *waiting], tick=True) == {"succeeded"}
    assert calls.count(str(waiting[0].id)) == 2
    late[0].refresh_from_db()
    assert late[0].started_at is not None
    assert late[0].started_at >= late[0].run_at


def test_a_cancelled_job_is_not_run_by_its_message(courier: Any, calls: list[str]) -> None:
    jobs = asked(a_project())
    services.cancel(jobs[0], SYSTEM)
    courier()
    time.sleep(0.3)
    assert (ended(jobs), calls) == ({"cancelled"}, [])
