"""Disks side by side: how many at a time, in which order, and what the fault of one means for the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from estate.errors import AskPerson, Retry
from migration.conversion.work import lanes
from migration.conversion.work.lanes import Lane, Machine, Tally, each_disk

WITHIN_S = 20.0


class Job:
    """What a job was told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None, str]] = []

    def alive(self) -> None: ...

    def progress(self, done: int, total: int | None, _unit: str, message: str) -> None:
        self.told.append((done, total, message))


def a_disk(label: str, bytes_total: int = 1 << 20) -> Any:
    return SimpleNamespace(pk=uuid4(), label=label, bytes_total=bytes_total)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Sessions with the pool that were opened for lanes and closed again, in order."""
    seen: list[Any] = []

    @contextmanager
    def pool_of(_spec: Any, _alive: Any) -> Iterator[Any]:
        session = object()
        seen.append(session)
        yield session

    monkeypatch.setattr(lanes, "pool_of", pool_of)
    return seen


def run(disks: list[Any], work: Any, *, at_once: int = 2, job: Any = None) -> tuple[Any, list[int]]:
    job, narrowed = job or Job(), []
    machine: Any = Machine(None, "own", job, at_once, narrowed.append)  # type: ignore[arg-type]
    each_disk(machine, disks, Tally(job, "Copying", disks, lambda _: False), work)
    return job, narrowed


def test_two_disks_are_at_work_together_each_with_a_session_of_its_own(opened: list[Any]) -> None:
    together = threading.Barrier(2)
    used: list[Any] = []

    def work(_disk: Any, lane: Lane) -> None:
        used.append(lane.pool)
        together.wait(WITHIN_S)

    _, narrowed = run([a_disk("a"), a_disk("b")], work)
    assert len(set(used)) == 2 and set(used) == set(opened)
    assert narrowed == [2, 1, 1]


def test_with_one_lane_disks_follow_each_other_in_the_machines_own_session(opened: list[Any]) -> None:
    seen: list[tuple[str, Any]] = []
    run([a_disk("a"), a_disk("b")], lambda disk, lane: seen.append((disk.label, lane.pool)), at_once=1)
    assert (seen, opened) == ([("a", "own"), ("b", "own")], [])


def test_the_largest_disks_are_begun_first_and_a_slow_one_holds_up_no_other(opened: list[Any]) -> None:
    others_done, done = threading.Semaphore(0), []

    def work(disk: Any, _lane: Lane) -> None:
        if disk.label == "large":
            assert all(others_done.acquire(timeout=WITHIN_S) for _ in range(3))
        done.append(disk.label)
        others_done.release()

    run([a_disk("s1"), a_disk("s2"), a_disk("large", 1 << 40), a_disk("s3")], work)
    assert done == ["s1", "s2", "s3", "large"]


def test_a_fault_that_passes_lets_the_other_disk_end_and_begins_no_third(
    opened: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, lane_ended, done = threading.Event(), threading.Event(), []
    monkeypatch.setattr(lanes, "connections", SimpleNamespace(close_all=lane_ended.set))

    def work(disk: Any, lane: Lane) -> None:
        if disk.label == "breaks":
            assert beside.wait(WITHIN_S)
            raise Retry("the line broke")
        beside.set()
        assert lane_ended.wait(WITHIN_S)
        lane.alive()
        done.append(disk.label)

    with pytest.raises(Retry, match="the line broke"):
        run([a_disk("breaks", 3 << 20), a_disk("goes on", 2 << 20), a_disk("third")], work)
    assert done == ["goes on"]


def test_a_fault_that_needs_a_person_ends_the_other_disk_at_once_and_is_the_one_that_is_told(opened: list[Any]) -> None:
    beside = threading.Event()

    def work(disk: Any, lane: Lane) -> None:
        if disk.label == "refused":
            assert beside.wait(WITHIN_S)
            raise AskPerson("the SR is full", code="sr_full", next_step="make room")
        beside.set()
        for _ in range(int(WITHIN_S * 100)):
            lane.alive()
            threading.Event().wait(0.01)
        pytest.fail("it went on")

    with pytest.raises(AskPerson, match="the SR is full"):
        run([a_disk("refused"), a_disk("beside")], work)


def test_a_grave_fault_is_told_before_one_that_passes(opened: list[Any]) -> None:
    both = threading.Barrier(2)

    def work(disk: Any, _lane: Lane) -> None:
        both.wait(WITHIN_S)
        raise Retry("passes") if disk.label == "a" else AskPerson("does not", code="x", next_step="y")

    for disks in ([a_disk("a"), a_disk("b")], [a_disk("b"), a_disk("a")]):
        with pytest.raises(AskPerson, match="does not"):
            run(disks, work)


def test_a_busy_database_under_one_disk_lets_the_other_end(opened: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    beside, lane_ended, done = threading.Event(), threading.Event(), []
    monkeypatch.setattr(lanes, "connections", SimpleNamespace(close_all=lane_ended.set))

    def work(disk: Any, lane: Lane) -> None:
        if disk.label == "a":
            assert beside.wait(WITHIN_S)
            raise OperationalError("database is locked")
        beside.set()
        assert lane_ended.wait(WITHIN_S)
        lane.alive()
        done.append(disk.label)

    with pytest.raises(OperationalError):
        run([a_disk("a"), a_disk("b")], work)
    assert done == ["b"]


def test_what_a_disk_failed_with_is_told_also_when_the_database_fails_meanwhile(opened: list[Any]) -> None:
    calls: list[int] = []

    def narrow(lanes_left: int) -> None:
        calls.append(lanes_left)
        if len(calls) > 1:
            raise OperationalError("database is locked")

    def work(disk: Any, _lane: Lane) -> None:
        raise AskPerson("the SR is full", code="sr_full", next_step="make room")

    disks, job = [a_disk("a"), a_disk("b")], Job()
    machine: Any = Machine(None, "own", job, 2, narrow)  # type: ignore[arg-type]
    with pytest.raises(AskPerson, match="the SR is full"):
        each_disk(machine, disks, Tally(job, "Copying", disks, lambda _: False), work)  # type: ignore[arg-type]


def test_a_job_hears_of_all_disks_together(opened: list[Any]) -> None:
    job, first, second = Job(), a_disk("disk 1", 100), a_disk("disk 2", 300)
    tally = Tally(job, "Copying", [first, second], lambda _: False)  # type: ignore[arg-type]
    tally.tell(first, 40)
    tally.tell(second, 200)
    tally.tell(first, 100)
    tally.tell(second, 300)
    assert job.told == [
        (40, 400, "Copying disk 1"),
        (240, 400, "Copying disk 1, disk 2"),
        (300, 400, "Copying disk 2"),
        (400, 400, "Copying disk 2"),
    ]


def test_disks_that_are_through_count_as_done(opened: list[Any]) -> None:
    job, first, second = Job(), a_disk("disk 1", 100), a_disk("disk 2", 300)
    Tally(job, "Copying", [first, second], lambda disk: disk is first).tell(second, 30)  # type: ignore[arg-type]
    assert job.told == [(130, 400, "Copying disk 2")]
