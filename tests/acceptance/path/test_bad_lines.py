"""Lines that stall or reset, VDIs somebody holds, tasks the pool forgot, volumes with old bytes: survived, told, cleared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from project.backbone.jobs import services as jobs
from project.backbone.models import Job
from tests.builders.path import SYSTEM, Site, copied, prepared
from tests.builders.path_looks import Looks, told

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own
MIB = 1 << 20


def test_an_import_that_stalls_goes_on_where_it_stood(site: Site, looks: Looks) -> None:
    looks.pool_fault("stall", seconds=2, after_bytes=1 * MIB)
    row = copied(prepared(site.conversion("git01")))
    assert (row.state, row.error, Job.objects.get(kind="conversion.copy").attempts) == ("cutting_over", None, 1)
    assert looks.equal_bytes(row)


def test_a_source_that_stalls_keeps_its_lease(site: Site, looks: Looks) -> None:
    looks.vcenter_fault("stall", seconds=4)  # longer than the lease lives without a sign of life
    row = copied(prepared(site.conversion("git01")))
    assert (row.state, row.error, Job.objects.get(kind="conversion.copy").attempts) == ("cutting_over", None, 1)
    assert looks.equal_bytes(row)


def test_a_line_that_is_reset_at_the_source_is_taken_up_again(site: Site, looks: Looks) -> None:
    looks.vcenter_fault("reset", after_bytes=looks.most_of_stream("git01"))
    row = copied(prepared(site.conversion("git01")))
    assert (row.state, row.error, Job.objects.get(kind="conversion.copy").attempts) == ("cutting_over", None, 2)
    assert looks.equal_bytes(row)
    assert looks.cancelled_and_cleared(row)


def test_a_vdi_that_somebody_holds_is_waited_for(site: Site, looks: Looks) -> None:
    looks.pool_fault("vdi_in_use")
    row = copied(prepared(site.conversion("git01")))
    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)


def test_a_task_the_pool_forgot_costs_a_segment_and_no_more(site: Site, looks: Looks) -> None:
    looks.pool_fault("task_expiry", after_bytes=1 * MIB)
    row = copied(prepared(site.conversion("git01")))
    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    assert looks.nothing_open()
    assert looks.cancelled_and_cleared(row)


def test_tasks_that_are_always_forgotten_fail_the_copy_by_name_and_leave_nothing_open(site: Site, looks: Looks) -> None:
    looks.pool_fault("task_expiry", after_bytes=0, times=100)
    row = copied(prepared(site.conversion("git01")))
    assert told(row) and looks.nothing_open()
    looks.pool_fault("none")
    assert looks.retried_and_done(row)


def test_old_bytes_of_a_raw_volume_do_not_shine_through(site: Site, looks: Looks) -> None:
    looks.pool_fault("raw_lvm", sr="san-lun-01")  # after the pool was read: the SR is asked again when it counts
    row = copied(prepared(site.conversion("git01", sr="san-lun-01")))
    assert (row.state, row.error, looks.equal_bytes(row)) == ("cutting_over", None, True)
    disk = row.disks.get()
    assert disk.bytes_sent >= disk.bytes_total, "zeros were sent like data"


def test_a_job_cancelled_while_its_import_stalls_lets_everything_go(
    site: Site, looks: Looks, at_first_segment: Callable[..., Any]
) -> None:
    row = prepared(site.conversion("git01"))

    def cancel_in_a_stall() -> None:
        looks.pool_fault("stall", seconds=3, after_bytes=0)
        jobs.cancel(Job.objects.get(kind="conversion.copy"), SYSTEM)

    at_first_segment(cancel_in_a_stall)
    row = copied(row)
    assert told(row) == "job_cancelled"
    assert looks.nothing_open()
    assert looks.cancelled_and_cleared(row)
