"""How many disks of one machine are copied at a time: as many as it has, as its project allows, as the budgets have room for."""

from __future__ import annotations

from typing import Any

import pytest

from migration.conversion.models import Conversion, DiskCopy, Stream
from migration.conversion.services import running, streams
from migration.conversion.work import pacing
from project.backbone.models import Job
from tests.app.conversion.test_running import ready
from tests.builders.people import People

pytestmark = pytest.mark.django_db
FENCE = 7


def with_disks(row: Conversion, count: int) -> Conversion:
    """The machine has so many disks that nothing was done with yet."""
    like = row.disks.get()
    for number in range(1, count):
        figures = {"device_key": 2000 + number, "position": str(number), "sr_uuid": like.sr_uuid, "bytes_total": 1 << 30}
        DiskCopy.objects.create(conversion=row, label=f"Hard disk {number + 1}", **figures)
    return row


def entered(row: Conversion) -> int:
    Job.objects.filter(pk=row.job_id).update(state="running", fence=FENCE)
    return streams.enter(row, job_id=row.job_id, fence=FENCE).lanes  # type: ignore[arg-type]


@pytest.mark.parametrize(("disks", "at_once", "lanes"), [(1, 8, 1), (2, None, 2), (5, None, 2), (5, 3, 3), (2, 1, 1), (9, 8, 4)])
def test_lanes_are_the_least_of_disks_setting_and_room(people: People, disks: int, at_once: int | None, lanes: int) -> None:
    if at_once:
        running.change(people.project, actor=people.actor("admin"), disks_at_once=at_once)
    (row,) = ready(people, 1)
    assert entered(with_disks(row, disks)) == lanes


def test_a_disk_that_is_through_wants_no_lane(people: People) -> None:
    (row,) = ready(people, 1)
    with_disks(row, 2)
    row.disks.filter(position="1").update(verified=True)
    assert entered(row) == 1


def test_what_a_machine_no_longer_uses_is_free_for_others(people: People) -> None:
    running.change(people.project, actor=people.actor("admin"), disks_at_once=4)
    first, second = ready(people, 2)
    assert entered(with_disks(first, 4)) == 4
    assert entered(second) == 0
    streams.narrow(first, FENCE, 3)
    assert entered(second) == 1


def test_a_machine_that_asks_again_keeps_its_lanes_and_takes_what_became_free(people: People) -> None:
    running.change(people.project, actor=people.actor("admin"), disks_at_once=4)
    first, second = ready(people, 2)
    assert (entered(with_disks(first, 3)), entered(with_disks(second, 3))) == (3, 1)
    assert entered(second) == 1, "it is not put out because others are first"
    streams.narrow(first, FENCE, 2)
    assert (entered(second), Stream.objects.get(conversion=second).lanes) == (2, 2)
    streams.leave(first)
    assert entered(second) == 3


def test_bandwidth_is_shared_by_disks_not_by_machines(people: People) -> None:
    changes: dict[str, Any] = {"bandwidth": [{"bytes_per_s": 3 << 20}], "disks_at_once": 2}
    running.change(people.project, actor=people.actor("admin"), **changes)
    first, second = ready(people, 2)
    entered(with_disks(first, 2))
    entered(second)
    assert pacing.limit_for(second)() == 1 << 20


def test_a_worker_that_lost_its_lease_takes_no_lane_from_the_next_one(people: People) -> None:
    running.change(people.project, actor=people.actor("admin"), disks_at_once=4)
    first, second = ready(people, 2)
    assert entered(with_disks(first, 4)) == 4
    Job.objects.filter(pk=first.job_id).update(fence=FENCE + 1)
    assert streams.enter(first, job_id=first.job_id, fence=FENCE + 1).lanes == 4  # type: ignore[arg-type]
    streams.narrow(first, FENCE, 1)
    assert (Stream.objects.get(conversion=first).lanes, entered(second)) == (4, 0)


def test_one_that_copies_keeps_its_turn_however_often_others_were_faster(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = ready(people, 1)
    assert entered(with_disks(row, 2)) == 2
    monkeypatch.setattr(streams, "_enter", lambda *_: None)
    again = streams.enter(row, job_id=row.job_id, fence=FENCE)  # type: ignore[arg-type]
    assert (again.may_start, again.lanes) == (True, 2)
