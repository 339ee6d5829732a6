"""Stopping in the middle: cancelled machines leave nothing, cancelled jobs leave nobody hanging, old jobs pass no gate."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from migration.conversion.services import lifecycle
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.jobs.runner import run_job
from project.backbone.models import Job
from tests.builders.jobs import HERE, run_jobs
from tests.builders.path import SYSTEM, Site, again, copied, prepared, settle
from tests.builders.path_looks import Looks, told

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own
SLOW_BYTES_PER_S = 1_500_000


def test_cancelling_in_mid_copy_frees_both_sides_and_removes_what_was_made(
    site: Site, looks: Looks, at_first_segment: Callable[..., None]
) -> None:
    row = prepared(site.conversion("db01"))
    looks.vcenter_fault("slow", bytes_per_s=SLOW_BYTES_PER_S)
    seen: list[str] = []

    def cancel() -> None:
        lifecycle.cancel(again(row), actor=SYSTEM)
        [too_early] = run_jobs(kind="conversion.clean_up")
        seen.append(too_early.state)

    at_first_segment(cancel)
    lifecycle.start_copying(row, actor=SYSTEM)
    settle()
    row = again(row)

    assert seen == ["waiting"], "the clean-up waits until the copy has let go"
    assert (row.state, Job.objects.get(kind="conversion.copy").state) == ("cancelled", "cancelled")
    assert (looks.left_in_pool(row), looks.nothing_open()) == ((0, 0), True)
    assert not row.ledger.filter(removed_at=None).exists()
    assert looks.source_is("db01") == "off", "cancelling leaves the source as it is"


def test_a_cancelled_job_fails_its_machine_so_that_it_can_be_taken_up_again(
    site: Site, looks: Looks, at_first_segment: Callable[..., None]
) -> None:
    row = prepared(site.conversion("git01"))
    looks.vcenter_fault("slow", bytes_per_s=SLOW_BYTES_PER_S)
    copy = lifecycle.start_copying(row, actor=SYSTEM)
    at_first_segment(lambda: jobs.cancel(Job.objects.get(pk=copy.pk), SYSTEM))
    settle()

    assert told(again(row), "git01") == "job_cancelled"
    assert looks.nothing_open()
    looks.vcenter_fault("none")
    assert looks.retried_and_done(row)


def test_a_queued_job_that_is_cancelled_fails_its_machine_too(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    jobs.cancel(lifecycle.start_copying(row, actor=SYSTEM), SYSTEM)

    assert told(again(row), "git01") == "job_cancelled"
    assert looks.source_is("git01") == "on"


def test_a_failed_copy_job_run_again_touches_nothing_and_says_what_to_retry(site: Site, looks: Looks) -> None:
    looks.pool_fault("task_failure", error=["SR_BACKEND_FAILURE_46", "", "", ""])
    row = copied(prepared(site.conversion("git01")))
    old = Job.objects.get(kind="conversion.copy")
    jobs.retry(old, SYSTEM)
    settle()
    old.refresh_from_db()
    assert (old.state, old.error["code"]) == ("failed", "wrong_state")
    assert "Retry the conversion" in old.error["next_step"]
    assert again(row).error["code"] == "sr_backend_failure", "the machine keeps its own error"


def test_an_old_copy_job_cannot_stop_the_source_behind_the_gates_back(site: Site, looks: Looks) -> None:
    looks.pool_fault("task_failure", error=["SR_BACKEND_FAILURE_46", "", "", ""])
    row = copied(prepared(site.conversion("git01")))
    old = Job.objects.get(kind="conversion.copy")
    looks.switch("git01", "on")
    lifecycle.retry(row, actor=SYSTEM)
    settle()
    jobs.retry(old, SYSTEM)
    settle()

    old.refresh_from_db()
    assert (old.state, old.error["code"]) == ("failed", "job_superseded")
    assert looks.source_is("git01") == "on"
    assert (again(row).state, again(row).error) == ("ready", None), "the old job's failure is its own"
    assert looks.vm_record(again(row))["power_state"] == "Halted"


def test_cancelling_a_prepared_machine_removes_its_vm(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("db01"))
    assert looks.cancelled_and_cleared(row)
    assert looks.source_is("db01") == "on"


def test_a_clean_up_that_was_cut_off_removes_the_rest(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("db01"))
    with looks.pool() as session:
        session.call("VM.destroy", session.call("VM.get_by_uuid", row.target_vm_uuid))
    assert looks.left_in_pool(row) == (0, 2)
    assert looks.cancelled_and_cleared(row)


def test_a_worker_that_is_told_to_stop_hands_the_copy_to_another(
    site: Site, looks: Looks, at_first_segment: Callable[..., None]
) -> None:
    row = prepared(site.conversion("git01"))
    copy, stopping = lifecycle.start_copying(row, actor=SYSTEM), threading.Event()
    at_first_segment(stopping.set)
    run_job(copy.pk, worker=HERE, stopping=stopping)
    copy.refresh_from_db()
    assert (copy.state, copy.run_at <= now(), looks.nothing_open()) == ("queued", True, True)
    settle()

    row = again(row)
    assert (row.state, looks.equal_bytes(row)) == ("cutting_over", True)
