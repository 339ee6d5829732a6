"""Running jobs: the row is the truth. Claims, fences, leases, checkpoints, cancelling, progress."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from project.backbone import clock
from project.backbone.jobs import queue, services, sweep
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.queue import LeaseLost, WorkerName
from project.backbone.jobs.runner import run_job
from project.backbone.models import Job
from project.backbone.problems import RoleTooLow
from tests.builders.jobs import HERE, ask, reloaded, run_jobs
from tests.builders.people import People, a_user, actor_of_user

pytestmark = pytest.mark.django_db


def test_a_job_runs_once_and_keeps_its_result(people: People, work: Any) -> None:
    calls: list[str] = []
    work(lambda job, name: calls.append(name) or {"said": name})
    job = ask(people, params={"name": "anna"})
    run_jobs()
    assert not run_job(job.id, worker=HERE)
    assert (reloaded(job).state, job.result, calls) == ("succeeded", {"said": "anna"}, ["anna"])
    assert job.finished_at is not None


def test_a_second_worker_loses_the_claim(people: People, work: Any) -> None:
    job = ask(people)
    assert queue.claim(job.id, worker=HERE) is not None
    assert queue.claim(job.id, worker=WorkerName("elsewhere", 2)) is None


def test_a_worker_that_lost_its_lease_can_write_nothing(people: People, work: Any) -> None:
    job = ask(people)
    claimed = queue.claim(job.id, worker=HERE)
    assert claimed is not None
    old = JobContext.of(claimed[0], claimed[1], lost=threading.Event())
    with clock.frozen(clock.now() + timedelta(seconds=31)):
        assert sweep.revive_orphans() == 1
        newer = queue.claim(job.id, worker=WorkerName("elsewhere", 2))
    assert newer is not None
    assert newer[0].fence > claimed[0].fence
    for write in (lambda: old.save_checkpoint({"x": 1}), lambda: old.progress(1, 2), lambda: old.say("hi"), old.alive):
        with pytest.raises(LeaseLost):
            write()
    assert not queue.beat(claimed[0])
    assert reloaded(job).checkpoint == {}


def test_a_beat_keeps_the_lease(people: People, work: Any) -> None:
    job = ask(people)
    claimed = queue.claim(job.id, worker=HERE)
    assert claimed is not None
    with clock.frozen(clock.now() + timedelta(seconds=25)):
        assert queue.beat(claimed[0])
    with clock.frozen(clock.now() + timedelta(seconds=40)):
        assert sweep.revive_orphans() == 0


def test_a_revived_job_goes_on_from_its_checkpoint(people: People, work: Any) -> None:
    seen: list[tuple[int, dict[str, Any]]] = []

    def dies_once(job: JobContext) -> None:
        seen.append((job.attempt, dict(job.checkpoint)))
        if job.attempt == 1:
            job.save_checkpoint({"page": 3})
            raise LeaseLost(job.id)  # what a dead process looks like from the row: running, and no end

    work(dies_once)
    job = ask(people)
    run_jobs()
    assert reloaded(job).state == "running"
    with clock.frozen(clock.now() + timedelta(seconds=31)):
        sweep.sweep()
        run_jobs()
    assert seen == [(1, {}), (2, {"page": 3})]
    assert reloaded(job).state == "succeeded"


def test_a_queued_job_is_cancelled_at_once_and_never_runs(people: People, work: Any) -> None:
    job = ask(people)
    answer = people.client("owner").post(f"/api/v1/jobs/{job.id}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert run_jobs() == []


def test_a_running_job_stops_at_its_next_sign_of_life(people: People, work: Any) -> None:
    def works_on(job: JobContext) -> None:
        services.cancel(Job.objects.get(pk=job.id), people.actor("owner"))
        job.alive()
        raise AssertionError("it should have stopped")

    work(works_on)
    job = ask(people)
    run_jobs()
    assert reloaded(job).state == "cancelled"


def test_a_cancelled_job_whose_worker_died_is_not_run_again(people: People, work: Any) -> None:
    job = ask(people)
    queue.claim(job.id, worker=HERE)
    services.cancel(job, people.actor("owner"))
    with clock.frozen(clock.now() + timedelta(seconds=31)):
        sweep.sweep()
    assert reloaded(job).state == "cancelled"


def test_a_stopping_worker_hands_its_job_back(people: People, work: Any) -> None:
    stopping = threading.Event()

    def notices(job: JobContext) -> None:
        stopping.set()
        job.alive()

    work(notices)
    job = ask(people)
    run_job(job.id, worker=HERE, stopping=stopping)
    assert (reloaded(job).state, job.losses) == ("queued", 0)


def test_cancelling_needs_an_operator_and_the_project(people: People, work: Any) -> None:
    job = ask(people)
    with pytest.raises(RoleTooLow):
        services.cancel(job, actor_of_user(a_user("planner", project=people.project)))
    assert people.client("stranger").post(f"/api/v1/jobs/{job.id}/cancel").status_code == 404
    assert people.client("stranger").get(f"/api/v1/jobs/{job.id}").status_code == 404


def test_progress_shows_rate_and_remaining_time_and_is_throttled(
    people: People, work: Any, django_assert_max_num_queries: Any
) -> None:
    def copies(job: JobContext) -> None:
        with django_assert_max_num_queries(2):
            for done in range(1000):
                job.progress(done, 2000)
        shown = people.client("owner").get(f"/api/v1/jobs/{job.id}").json()
        assert shown["worker"] == {"host": "test", "pid": 1}
        assert (shown["progress"]["total"], shown["progress"]["unit"]) == (2000, "bytes")

    work(copies)
    job = ask(people)
    run_jobs()
    assert reloaded(job).state == "succeeded", job.error
