"""Two disks of one machine on their way together: through a real pool's protocol, with a line that breaks under one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from migration.conversion.services import lifecycle, progress, running
from migration.conversion.work import copying
from project.backbone.models import Job
from tests.builders.path import SYSTEM, Site, again, copied, prepared, settle
from tests.builders.path_looks import Looks

pytestmark = pytest.mark.django_db(transaction=True)  # disks are copied by threads with connections of their own
MIB = 1 << 20
WITHIN_S = 30.0


@pytest.fixture
def most_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many copies were open whenever one began; with two lanes each begins only when the other has begun too."""
    seen: list[int] = []
    opening, lock, open_now = copying.opened, threading.Lock(), [0]

    def opened(*arguments: Any) -> Any:
        source = opening(*arguments)
        close = source.close

        def closed() -> None:
            close()
            with lock:
                open_now[0] -= 1

        with lock:
            open_now[0] += 1
            seen.append(open_now[0])
        source.close = closed  # type: ignore[method-assign]
        return source

    monkeypatch.setattr(copying, "opened", opened)
    return seen


def held_together(monkeypatch: pytest.MonkeyPatch, parties: int) -> None:
    """Nobody's first segment is closed before so many disks have written theirs."""
    close, barrier, passed = progress.close_segment, threading.Barrier(parties), set[Any]()

    def closing(disk: Any, **fields: Any) -> None:
        if disk.pk not in passed:
            passed.add(disk.pk)
            barrier.wait(WITHIN_S)
        close(disk, **fields)

    monkeypatch.setattr(progress, "close_segment", closing)


def test_both_disks_are_copied_together_and_arrive(
    site: Site, looks: Looks, most_at_once: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    held_together(monkeypatch, 2)
    row = copied(prepared(site.conversion("db01")))

    assert (row.state, row.error) == ("cutting_over", None)
    assert max(most_at_once) == 2
    assert looks.equal_bytes(row) and looks.nothing_open()
    job = Job.objects.get(kind="conversion.copy")
    assert job.progress_done == job.progress_total == sum(disk.bytes_total for disk in row.disks.all())


def test_one_after_the_other_where_the_project_says_so(site: Site, looks: Looks, most_at_once: list[int]) -> None:
    running.change(site.project, actor=SYSTEM, disks_at_once=1)
    row = copied(prepared(site.conversion("db01")))

    assert (row.state, most_at_once, looks.equal_bytes(row)) == ("cutting_over", [1, 1], True)


def test_the_disk_whose_line_holds_is_finished_before_the_other_is_tried_again(site: Site, looks: Looks, settings: Any) -> None:
    settings.SEGMENT_BYTES = 1 << 30
    looks.pool_fault("drop_connection", after_bytes=1 * MIB)
    row = copied(prepared(site.conversion("db01")))

    assert (row.state, row.error, Job.objects.get(kind="conversion.copy").attempts) == ("cutting_over", None, 2)
    assert looks.calls("pool", "/import_raw_vdi") == 3, "the disk that was finished is not sent again"
    assert looks.equal_bytes(row) and looks.nothing_open()


def test_a_failure_for_good_of_one_disk_stops_both_and_leaves_nothing_open(
    site: Site, looks: Looks, at_first_segment: Callable[..., None]
) -> None:
    """The second disk is slow enough to be in the middle when the first is refused."""
    looks.vcenter_fault("slow", bytes_per_s=1_500_000)
    at_first_segment(lambda: looks.pool_fault("task_failure", error=["SR_BACKEND_FAILURE_44", "", "full", ""], after_bytes=MIB))
    row = prepared(site.conversion("db01"))
    lifecycle.start_copying(row, actor=SYSTEM)
    settle()
    row = again(row)

    assert row.state == "failed"
    assert [disk.copied_at for disk in row.disks.all()] == [None, None]
    assert looks.nothing_open()
    looks.vcenter_fault("none")
    assert looks.retried_and_done(row)
