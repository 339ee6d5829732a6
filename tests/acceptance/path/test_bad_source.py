"""What can go wrong at the source: each is told by name with a next step, and nothing is left that the next run cannot use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from estate.xapi import vm
from lab.vcenter_sim.leases import open_lease
from lab.worlds.spec import Tools
from migration.conversion.models import Conversion, Segment
from migration.conversion.services import lifecycle, progress
from migration.conversion.work import target
from project.backbone.endpoints.services import update_endpoint
from project.backbone.models import Endpoint, Job
from tests.builders.jobs import run_jobs
from tests.builders.path import SYSTEM, Site, a_site, again, copied, gone_live, prepared, settle
from tests.builders.path_looks import Looks, told
from tests.builders.people import People, a_project

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own


def test_a_wrong_password_is_sent_once_for_the_whole_wave(site: Site, looks: Looks) -> None:
    rows = [prepared(site.conversion(name)) for name in ("git01", "web02")]
    right = looks.lab.json["vcenter"]["password"]
    update_endpoint(site.source, password="wrong", actor=SYSTEM)
    before = looks.calls("vcenter", "Login")

    failed = [copied(row) for row in rows]

    assert looks.calls("vcenter", "Login") - before == 1
    assert [told(row, "vc01") for row in failed] == ["login_refused", "login_not_tried"]
    assert [looks.source_is(row.name) for row in rows] == ["on", "on"]
    assert looks.nothing_open()
    update_endpoint(Endpoint.objects.get(pk=site.source.pk), password=right, actor=SYSTEM)
    assert looks.retried_and_done(rows[0])
    assert looks.cancelled_and_cleared(rows[1])


@pytest.mark.parametrize(("listener", "shown"), [("vcenter", "vc01"), ("esxi01", "127.0.0.21")])
def test_a_changed_certificate_is_refused_before_anything_is_sent(site: Site, looks: Looks, listener: str, shown: str) -> None:
    row = prepared(site.conversion("git01"))
    looks.lab.control("POST", "/certificate", {"of": listener})
    row = copied(row)

    assert told(row, shown) == "certificate_changed"
    assert not Segment.objects.exists()
    assert looks.cancelled_and_cleared(row)


def test_a_session_that_expires_between_two_pages_costs_no_object(people: People, looks: Looks) -> None:
    looks.vcenter_fault("page_size", size=1)
    looks.vcenter_fault("session_expire", after_pages=2)
    before = looks.calls("vcenter", "Login")
    site = a_site(a_project(), looks.lab.json)

    assert sorted(site.machines) == ["db01", "file01", "git01", "web02"]
    assert looks.calls("vcenter", "Login") - before == 2


def test_a_lease_that_dies_in_mid_stream_costs_only_the_segment_it_was_in(site: Site, looks: Looks) -> None:
    looks.vcenter_fault("lease_dead", after_bytes=looks.most_of_stream("git01"))
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, row.error) == ("cutting_over", None)
    ends = list(Segment.objects.order_by("finished_at").values_list("end_bytes", flat=True))
    assert len(ends) > 1 and ends == sorted(set(ends)), "each segment was sent once"
    assert Job.objects.get(kind="conversion.copy").attempts == 2
    assert looks.equal_bytes(row)
    disk = row.disks.get()
    assert disk.bytes_sent <= disk.bytes_total - disk.bytes_zero
    assert looks.cancelled_and_cleared(row)


def test_a_stream_cut_short_is_no_whole_disk_and_is_read_again(site: Site, looks: Looks) -> None:
    looks.vcenter_fault("truncate", after_bytes=looks.most_of_stream("git01"))
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, row.error, Job.objects.get(kind="conversion.copy").attempts) == ("cutting_over", None, 2)
    assert looks.equal_bytes(row)


def test_a_stream_that_is_always_cut_short_fails_by_name_after_five_tries(site: Site, looks: Looks) -> None:
    looks.vcenter_fault("truncate", after_bytes=64 << 10, times=50)
    row = copied(prepared(site.conversion("git01")))

    assert told(row, "Hard disk 1 of git01") == "disk_stream_truncated"
    assert Job.objects.get(kind="conversion.copy").attempts == 5
    assert looks.nothing_open()
    looks.vcenter_fault("none")
    assert looks.retried_and_done(row)


def test_a_fault_after_some_headway_is_counted_as_the_first(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    copy = lifecycle.start_copying(row, actor=SYSTEM)
    Job.objects.filter(pk=copy.pk).update(tries=4)
    looks.vcenter_fault("truncate", after_bytes=looks.most_of_stream("git01"))
    settle()

    assert (again(row).state, Job.objects.get(pk=copy.pk).attempts) == ("cutting_over", 2)


def test_the_lease_of_a_dead_worker_is_waited_out_and_counts_as_no_failure(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    looks.switch("git01", "off")
    open_lease(looks.lab.whole.vcenter.center, looks.machine("git01"))
    job = lifecycle.start_copying(row, actor=SYSTEM)
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.tries) == ("waiting", 0)
    assert "git01" in job.message
    settle()

    assert again(row).state == "cutting_over"
    job.refresh_from_db()
    assert (job.state, job.tries) == ("succeeded", 0)


def test_a_source_that_ran_again_before_go_live_is_never_cut_over(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    looks.switch("git01", "on")
    looks.switch("git01", "off")
    row = gone_live(row)

    assert told(row, "git01", "stale") == "source_ran_again"
    record = looks.vm_record(row)
    assert (record["power_state"], "start" in record["blocked_operations"]) == ("Halted", True)
    assert looks.nothing_open()
    assert looks.retried_and_done(row)


def test_a_source_that_is_powered_on_while_its_vm_starts_is_told_at_once(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = copied(prepared(site.conversion("git01")))
    start = target.start

    def started(*arguments: Any, **more: Any) -> None:
        looks.switch("git01", "on")
        start(*arguments, **more)

    monkeypatch.setattr(target, "start", started)
    row = gone_live(row)
    assert told(row, "git01", "its source runs too") == "source_runs_too"
    lifecycle.roll_back(row, actor=SYSTEM)
    settle()
    record = looks.vm_record(again(row))
    assert (again(row).state, record["power_state"], looks.source_is("git01")) == ("rolled_back", "Halted", "on")


def test_a_worker_that_stood_still_starts_nothing_after_a_rollback(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is lost and the machine was rolled back when it comes to the start."""
    row = copied(prepared(site.conversion("git01")))
    begin = progress.claim_start

    def late(conversion: Any, *, job_id: Any) -> bool:
        Conversion.objects.filter(pk=row.pk).update(state="rolled_back")
        return begin(conversion, job_id=job_id)

    monkeypatch.setattr(progress, "claim_start", late)
    lifecycle.start_going_live(row, actor=SYSTEM)
    settle()
    record = looks.vm_record(again(row))
    assert (again(row).state, record["power_state"], "start" in record["blocked_operations"]) == ("rolled_back", "Halted", True)


def test_a_start_that_a_crash_left_unblocked_is_blocked_before_a_stale_copy_is_refused(site: Site, looks: Looks) -> None:
    row = copied(prepared(site.conversion("git01")))
    with looks.pool() as session:
        vm.unblock(session, row.target_vm_uuid)  # as a worker leaves it that dies between unblocking and starting
    looks.switch("git01", "on")
    row = gone_live(row)

    assert told(row, "git01") == "source_ran_again"
    assert "start" in looks.vm_record(row)["blocked_operations"], "nobody may start it beside its source"


def test_a_source_powered_on_during_its_copy_is_refused(site: Site, looks: Looks, at_first_segment: Callable[..., None]) -> None:
    at_first_segment(lambda: looks.switch("git01", "on"))
    row = copied(prepared(site.conversion("git01")))

    assert told(row, "git01", "poweredOn") == "source_ran_again"
    assert looks.cancelled_and_cleared(row)
    assert looks.source_is("git01") == "on", "cancelling leaves the source as it is"


def test_another_machine_under_the_planned_id_is_neither_stopped_nor_copied(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    row.spec["source_instance_uuid"] = "502a0000-0000-4000-8000-00000000beef"
    row.save(update_fields=["spec"])
    row = copied(row)

    assert told(row, "git01", "502a0000-0000-4000-8000-00000000beef") == "another_machine"
    assert looks.source_is("git01") == "on", "it was not shut down"
    assert looks.cancelled_and_cleared(row)


@pytest.mark.parametrize("change", [{"ignores_shutdown": True}, {"tools": Tools.NOT_RUNNING}])
def test_a_guest_that_cannot_be_shut_down_is_powered_off(site: Site, looks: Looks, change: dict[str, Any]) -> None:
    machine = looks.machine("git01")
    machine.spec = replace(machine.spec, **change)
    row = copied(prepared(site.conversion("git01")))

    assert (row.state, looks.source_is("git01"), looks.equal_bytes(row)) == ("cutting_over", "off", True)
    assert looks.calls("vcenter", "PowerOffVM_Task") == 1


def test_a_disk_added_since_the_plan_is_not_left_behind_in_silence(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    machine = looks.machine("git01")
    machine.spec = replace(machine.spec, disks=(*machine.spec.disks, replace(machine.spec.disks[0], unit=1)))
    row = copied(row)

    assert told(row, "git01", "Hard disk 2") == "disk_added"
    assert looks.cancelled_and_cleared(row)


def test_a_disk_of_another_size_than_planned_is_not_copied(site: Site, looks: Looks) -> None:
    row = prepared(site.conversion("git01"))
    row.disks.update(bytes_total=32 << 20)
    row = copied(row)

    assert told(row, "git01", "Hard disk 1", str(64 << 20)) == "capacity_changed"
    assert looks.cancelled_and_cleared(row)


def test_a_failed_machine_rolls_back_to_its_source(site: Site, looks: Looks) -> None:
    looks.vcenter_fault("truncate", after_bytes=64 << 10, times=50)
    row = copied(prepared(site.conversion("git01")))
    assert (row.state, looks.source_is("git01")) == ("failed", "off")
    lifecycle.roll_back(row, actor=SYSTEM)
    settle()

    assert (again(row).state, looks.source_is("git01"), looks.vm_record(row)["power_state"]) == ("rolled_back", "on", "Halted")
