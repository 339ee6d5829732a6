"""A pool that takes its time: a start or a VDI under way when its worker is stopped or dead, its job cancelled, its time over.

What is never to be seen: a machine that runs on both sides, and an object that nobody knows of.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

from estate.errors import Retry
from estate.xapi import vm, vm_power
from estate.xapi.session import XapiSession
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.jobs.runner import run_job
from project.backbone.models import Job
from tests.builders.jobs import HERE, run_jobs
from tests.builders.path import SYSTEM, Site, again, copied, gone_live, prepared, settle
from tests.builders.path_looks import Looks
from tests.builders.slow import at_work, during, until

pytestmark = pytest.mark.django_db(transaction=True)
LONG_S = 60


def rolled_back(row: Conversion) -> Job:
    lifecycle.roll_back(again(row), actor=SYSTEM)
    run_jobs()
    return Job.objects.filter(kind="conversion.roll_back").latest("created_at")


def sides(looks: Looks, row: Conversion) -> tuple[str, str]:
    """What the VM in the pool does, and what its source."""
    return looks.vm_record(row)["power_state"], looks.source_is(row.name)


def starting_under_way(looks: Looks, row: Conversion, **fault: Any) -> None:
    """A start that a worker began which is no more: nobody waits for it, and the conversion has failed."""
    looks.pool_fault("pending", method="VM.start", **fault)
    with looks.pool() as session:
        vm.unblock(session, row.target_vm_uuid)
        session.call("Async.VM.start", session.call("VM.get_by_uuid", row.target_vm_uuid), False, False)
    until(lambda: at_work(looks, "start"), "the start")
    Conversion.objects.filter(pk=row.pk).update(state="failed", source_was_running=True)


def test_a_start_that_was_cancelled_with_its_job_is_over_before_the_source_runs_again(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    looks.pool_fault("pending", method="VM.start", seconds=LONG_S)
    job = lifecycle.start_going_live(row, actor=SYSTEM)
    cancelling = during(looks, "start", lambda: jobs.cancel(Job.objects.get(pk=job.pk), SYSTEM))
    run_jobs()
    cancelling.join()
    job.refresh_from_db()
    assert (job.state, at_work(looks, "start"), again(row).start_asked_at) == ("cancelled", False, None)

    assert rolled_back(row).state == "succeeded"
    assert (again(row).state, sides(looks, row)) == ("rolled_back", ("Halted", "on"))


def test_a_start_whose_worker_was_told_to_stop_is_done_by_the_next(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    looks.pool_fault("pending", method="VM.start", seconds=LONG_S)
    job, stopping = lifecycle.start_going_live(row, actor=SYSTEM), threading.Event()
    telling = during(looks, "start", stopping.set)
    run_job(job.pk, worker=HERE, stopping=stopping)
    telling.join()
    assert not at_work(looks, "start")
    settle()
    assert (again(row).state, sides(looks, row)) == ("done", ("Running", "off"))


def test_a_start_of_a_dead_worker_is_ended_by_the_rollback(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    starting_under_way(looks, row, seconds=LONG_S)
    assert rolled_back(row).state == "succeeded"
    assert (again(row).state, sides(looks, row), at_work(looks, "start")) == ("rolled_back", ("Halted", "on"), False)


def test_a_start_of_a_dead_worker_is_waited_for_by_the_next(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    starting_under_way(looks, row, seconds=2)
    Conversion.objects.filter(pk=row.pk).update(state="cutting_over", start_asked_at=now())
    lifecycle.start_going_live(again(row), actor=SYSTEM)
    (job,) = run_jobs(kind="conversion.go_live")
    assert (job.state, job.tries) == ("succeeded", 0)
    assert (again(row).state, sides(looks, row)) == ("done", ("Running", "off"))


def test_a_start_that_cannot_be_ended_is_waited_for_and_undone(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    starting_under_way(looks, row, seconds=2, stubborn=True)
    assert rolled_back(row).state == "succeeded"
    assert (again(row).state, sides(looks, row), at_work(looks, "start")) == ("rolled_back", ("Halted", "on"), False)


def test_no_source_runs_while_nobody_can_say_that_the_vm_stays_off(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm_power, "_REST_DEADLINE_S", 0.5)
    row = copied(prepared(site.conversion("git01")))
    starting_under_way(looks, row, seconds=LONG_S, stubborn=True)
    job = rolled_back(row)
    assert (job.state, job.error["code"]) == ("failed", "vm_not_at_rest") and "start" in job.error["message"]
    assert (again(row).state, sides(looks, row)) == ("failed", ("Halted", "off"))

    looks.pool_fault("none")
    until(lambda: looks.vm_record(row)["power_state"] == "Running", "the VM")
    assert rolled_back(row).state == "succeeded", "asked again, it is rolled back"
    assert (again(row).state, sides(looks, row)) == ("rolled_back", ("Halted", "on"))


def test_a_start_that_outlives_its_deadline_is_ended_in_the_pool(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm_power, "_POWER_DEADLINE_S", 0.5)
    row = copied(prepared(site.conversion("git01")))
    looks.pool_fault("pending", method="VM.start", seconds=LONG_S)
    row = gone_live(row)
    assert (row.state, (row.error or {})["code"], at_work(looks, "start")) == ("failed", "task_stuck", False)
    assert rolled_back(row).state == "succeeded"
    assert sides(looks, row) == ("Halted", "on")


@pytest.mark.parametrize("seconds", [0, 2])
def test_a_start_whose_answer_was_lost_is_no_failure(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    row = copied(prepared(site.conversion("git01")))
    looks.pool_fault("pending", method="VM.start", seconds=seconds)
    call, lost = XapiSession.call, []

    def losing(self: XapiSession, method: str, *parameters: Any) -> Any:
        answer = call(self, method, *parameters)
        if method == "Async.VM.start" and not lost:
            lost.append(method)
            until(lambda: at_work(looks, "start") or looks.vm_record(row)["power_state"] == "Running", "the start")
            raise Retry("the line broke", code="line_lost", next_step="Nothing: it is tried again.")
        return answer

    monkeypatch.setattr(XapiSession, "call", losing)
    lifecycle.start_going_live(row, actor=SYSTEM)
    (job,) = run_jobs(kind="conversion.go_live")
    assert (lost, job.state, job.tries, again(row).state) == (["Async.VM.start"], "succeeded", 0, "done")


def test_a_start_that_somebody_else_was_faster_with_is_no_failure(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = copied(prepared(site.conversion("git01")))
    call, other = XapiSession.call, []

    def overtaken(self: XapiSession, method: str, *parameters: Any) -> Any:
        if method == "Async.VM.start" and not other:
            other.append(call(self, "VM.start", *parameters))
        return call(self, method, *parameters)

    monkeypatch.setattr(XapiSession, "call", overtaken)
    row = gone_live(row)
    assert (len(other), row.state, row.error, sides(looks, row)) == (1, "done", None, ("Running", "off"))
