"""How jobs end badly or wait: passing faults, questions to a person, faults nobody foresaw, and running again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from estate.errors import AskPerson, Retry, Wait
from project.backbone import clock
from project.backbone.jobs import handlers, sweep
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.queue import LeaseLost
from tests.builders.jobs import KIND, ask, reloaded, run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db


def test_a_job_that_kills_its_workers_is_given_up(people: People, work: Any) -> None:
    work(lambda job: (_ for _ in ()).throw(LeaseLost()))
    job, at = ask(people), clock.now()
    for lost in range(1, 11):
        with clock.frozen(at + timedelta(minutes=lost)):
            run_jobs(kind=KIND)
        with clock.frozen(at + timedelta(minutes=lost, seconds=40)):
            sweep.revive_orphans()
    assert (reloaded(job).state, job.error["code"]) == ("failed", "workers_die")


def test_waiting_frees_the_slot_and_the_handler_is_called_again_when_due(people: People, work: Any) -> None:
    def waits_once(job: JobContext) -> dict[str, int]:
        if not job.checkpoint:
            job.save_checkpoint({"asked": True})
            job.wait(60, "The other disk is still copying.")
        return {"attempt": job.attempt}

    work(waits_once)
    job = ask(people)
    run_jobs()
    assert (reloaded(job).state, job.message) == ("waiting", "The other disk is still copying.")
    assert job.lease_until is None
    with clock.frozen(clock.now() + timedelta(seconds=61)):
        run_jobs()
    assert (reloaded(job).state, job.result) == ("succeeded", {"attempt": 2})


def test_an_edge_that_says_wait_is_not_a_failure(people: People, work: Any) -> None:
    def always_waits(job: JobContext) -> None:
        raise Wait("The pool is busy.", after_s=15)

    work(always_waits)
    job, at = ask(people), clock.now()
    for number in range(8):
        with clock.frozen(at + timedelta(minutes=number)):
            run_jobs()
    assert (reloaded(job).state, job.tries) == ("waiting", 0)


def test_a_passing_fault_is_tried_five_times_with_growing_pauses(people: People, work: Any) -> None:
    pauses: list[float] = []

    def always_fails(job: JobContext) -> None:
        raise Retry("vcenter-1 closed the connection.", code="connection_lost", after_s=4)

    work(always_fails)
    job, at = ask(people), clock.now()
    for _ in range(5):
        with clock.frozen(at):
            assert run_jobs() == [job]
        if reloaded(job).state == "queued":
            pauses.append((job.run_at - at).total_seconds())
            at = job.run_at
    assert pauses == [4, 8, 16, 32]
    assert (job.state, job.tries) == ("failed", 5)
    assert job.error["code"] == "connection_lost"
    assert job.error["next_step"]


def test_a_person_is_asked_with_code_and_next_step(people: People, work: Any) -> None:
    def refused(job: JobContext) -> None:
        raise AskPerson("The password of vcenter-1 is wrong.", code="wrong_password", next_step="Enter the new password.")

    work(refused)
    job = ask(people)
    run_jobs()
    assert (reloaded(job).state, job.attempts) == ("failed", 1)
    expected = {
        "code": "wrong_password",
        "message": "The password of vcenter-1 is wrong.",
        "next_step": "Enter the new password.",
    }
    assert job.error == expected
    answer = people.client("owner").get(f"/api/v1/jobs/{job.id}").json()
    assert answer["error"] == expected


def test_an_unforeseen_fault_fails_the_job_without_a_traceback_in_the_answer(people: People, work: Any) -> None:
    def fault(job: JobContext) -> None:
        raise ZeroDivisionError("password=hunter2")

    work(fault)
    job = ask(people)
    run_jobs()
    assert reloaded(job).error["code"] == "internal_error"
    assert "hunter2" not in str(job.error)
    assert "Traceback" not in str(people.client("owner").get(f"/api/v1/jobs/{job.id}").json())


def test_a_busy_database_is_a_passing_fault(people: People, work: Any) -> None:
    def busy_once(job: JobContext) -> None:
        if job.attempt == 1:
            raise OperationalError("deadlock detected")

    work(busy_once)
    job = ask(people)
    run_jobs()
    assert (reloaded(job).state, job.tries) == ("queued", 1)
    with clock.frozen(clock.now() + timedelta(seconds=3)):
        run_jobs()
    assert reloaded(job).state == "succeeded"


def test_a_result_that_is_no_json_fails_the_job(people: People, work: Any) -> None:
    work(lambda job: {"bad": object()})
    job = ask(people)
    run_jobs()
    assert (reloaded(job).state, job.error["code"]) == ("failed", "internal_error")


def test_an_unknown_kind_fails_with_its_name(people: People, work: Any) -> None:
    job = ask(people)
    handlers._handlers.pop(KIND)
    run_jobs()
    assert (reloaded(job).state, job.error["code"]) == ("failed", "unknown_kind")


def test_a_failed_job_is_run_again_from_its_checkpoint(people: People, work: Any) -> None:
    def fails_first(job: JobContext) -> None:
        if not job.checkpoint:
            job.save_checkpoint({"done": 1})
            raise AskPerson("SR full.", code="sr_full", next_step="Free space.")

    work(fails_first)
    job = ask(people)
    run_jobs()
    assert people.client("owner").post(f"/api/v1/jobs/{job.id}/retry").status_code == 202
    run_jobs()
    assert (reloaded(job).state, job.error) == ("succeeded", None)
    assert people.client("owner").post(f"/api/v1/jobs/{job.id}/retry").json()["code"] == "job_not_retryable"
