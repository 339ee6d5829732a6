"""Jobs: the row is the truth. Claims, fences, waiting, retries, cancel, uniqueness, idempotency, and how errors are told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, transaction

from estate.errors import AskPerson, Retry, Wait
from project.backbone import clock
from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import verify
from project.backbone.jobs import handlers, queue, services, sweep
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.queue import LeaseLost, WorkerName
from project.backbone.jobs.runner import run_job
from project.backbone.jobs.services import IdempotencyKey, IdempotencyKeyReused
from project.backbone.jobs.states import JobState
from project.backbone.models import AuditEntry, Job
from project.backbone.problems import Conflict, RoleTooLow
from tests.builders.jobs import HERE, run_jobs
from tests.builders.people import People, a_user, actor_of_user

pytestmark = pytest.mark.django_db
KIND = "test.work"
Work = Callable[..., Any]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Work], None]]:
    """Registers the function that does the work of KIND in this test."""
    monkeypatch.setattr(handlers, "_handlers", dict(handlers._handlers))

    def register(function: Work) -> None:
        handlers._handlers.pop(KIND, None)
        handlers.handler(KIND, title="Test work")(function)

    register(lambda job: None)
    yield register


def ask(people: People, **changes: Any) -> Job:
    given = {"project": people.project, "params": {}, "actor": people.actor("owner"), **changes}
    return services.enqueue(KIND, **given)


def reloaded(job: Job) -> Job:
    job.refresh_from_db()
    return job


def test_a_job_runs_once_and_keeps_its_result(people: People, work: Any) -> None:
    calls: list[str] = []
    work(lambda job, name: calls.append(name) or {"said": name})
    job = ask(people, params={"name": "anna"})
    run_jobs()
    assert not run_job(job.id, worker=HERE)
    assert (reloaded(job).state, job.result, calls) == ("succeeded", {"said": "anna"}, ["anna"])
    assert job.finished_at is not None


def test_a_job_vanishes_with_the_transaction_that_asked_for_it(people: People, work: Any) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ask(people)
        raise ZeroDivisionError
    assert not Job.objects.exists()


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


def test_cancelling_needs_an_operator_and_the_project(people: People, work: Any) -> None:
    job = ask(people)
    with pytest.raises(RoleTooLow):
        services.cancel(job, actor_of_user(a_user("planner", project=people.project)))
    assert people.client("stranger").post(f"/api/v1/jobs/{job.id}/cancel").status_code == 404
    assert people.client("stranger").get(f"/api/v1/jobs/{job.id}").status_code == 404


def test_a_unique_job_is_asked_for_once_while_it_is_unfinished(people: People, work: Any) -> None:
    first = ask(people, unique="collect:1")
    assert ask(people, unique="collect:1") == first
    assert ask(people, unique="collect:2") != first
    run_jobs()
    assert ask(people, unique="collect:1") != first


def test_the_same_key_gives_the_same_job_and_another_body_is_refused(people: People, work: Any) -> None:
    first = ask(people, params={"a": 1}, idempotency_key="k")
    assert ask(people, params={"a": 1}, idempotency_key="k") == first
    with pytest.raises(IdempotencyKeyReused):
        ask(people, params={"a": 2}, idempotency_key="k")
    assert ask(people, params={"a": 2}, idempotency_key="k", actor=people.actor("teammate")) != first


def test_a_requests_digest_counts_instead_of_the_params(people: People, work: Any) -> None:
    first = ask(people, params={"row": 1}, idempotency_key=IdempotencyKey("k", digest="same body"))
    again = IdempotencyKey("k", digest="same body")
    assert ask(people, params={"row": 2}, idempotency_key=again) == first
    assert services.job_of_key(again, project=people.project, actor=people.actor("owner")) == first
    with pytest.raises(Conflict):
        services.job_of_key(IdempotencyKey("k", digest="another"), project=people.project, actor=people.actor("owner"))


def test_a_job_for_later_is_not_run_early(people: People, work: Any) -> None:
    job = ask(people, run_at=clock.now() + timedelta(hours=1))
    assert run_jobs() == []
    with clock.frozen(clock.now() + timedelta(hours=2)):
        assert run_jobs() == [job]


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


def test_asking_and_ending_are_audited_with_the_persons_name(people: People, work: Any) -> None:
    names: list[str] = []
    work(lambda job: names.append(job.actor.username))
    ask(people)
    run_jobs()
    actions = list(AuditEntry.objects.filter(project=people.project).values_list("action", "actor"))
    assert actions == [("job.asked_for", "owner"), ("job.finished", f"job:{KIND}")]
    assert names == [f"job:{KIND} (owner)"]
    assert verify(people.project).whole


def test_jobs_of_no_project_are_for_superusers(people: People, work: Any) -> None:
    job = ask(people, project=None, actor=Actor.system("clock"))
    assert people.client("admin").get(f"/api/v1/jobs/{job.id}").status_code == 404
    run_jobs()
    assert reloaded(job).state == JobState.SUCCEEDED
