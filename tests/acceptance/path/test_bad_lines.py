"""Lines that stall or reset, VDIs somebody holds, tasks the pool forgot, volumes with old bytes: survived, told, cleared."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migration.conversion.models import Conversion, DiskCopy
from migration.conversion.services import progress
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


def blank_behind_its_end(looks: Looks, row: Conversion) -> bool:
    """Whether the VDI is the source's disk, and nothing but zeros from there to its own, later end."""
    ((disk, file),) = looks.disk_pairs(row)
    source, target = Path(disk["raw_path"]).read_bytes(), file.read_bytes()
    return len(target) > len(source) and target == source + bytes(len(target) - len(source))


def test_old_bytes_between_the_end_of_the_disk_and_that_of_its_raw_volume_are_gone(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.xapi_sim.storage.LVM_EXTENT_BYTES", 5 * MIB)
    looks.pool_fault("raw_lvm", sr="san-lun-01")
    row = copied(prepared(site.conversion("git01", sr="san-lun-01")))
    assert (row.state, row.error, blank_behind_its_end(looks, row)) == ("cutting_over", None, True)
    assert looks.nothing_open()


def test_a_copy_that_broke_behind_its_last_segment_still_blanks_the_rest_of_the_volume(
    site: Site, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.xapi_sim.storage.LVM_EXTENT_BYTES", 5 * MIB)
    looks.pool_fault("raw_lvm", sr="san-lun-01")
    close, broken = progress.close_segment, list[int]()

    def closing(disk: DiskCopy, **fields: Any) -> None:
        close(disk, **fields)
        if fields["end_bytes"] == disk.bytes_total and not broken:
            broken.append(1)
            looks.pool_fault("drop_connection", after_bytes=0)

    monkeypatch.setattr(progress, "close_segment", closing)
    row = copied(prepared(site.conversion("git01", sr="san-lun-01")))
    assert (row.state, row.error, blank_behind_its_end(looks, row)) == ("cutting_over", None, True)
    assert Job.objects.get(kind="conversion.copy").attempts == 2


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
    until_s = time.monotonic() + 60
    while looks.attached_vdis() and time.monotonic() < until_s:
        time.sleep(0.1)  # the job does not wait for a host whose storage stands still; the host lets go when that is over
    assert looks.nothing_open()
    assert looks.cancelled_and_cleared(row)
