"""Several disks of one machine at a time: a lane is a thread with a session of its own at the pool; it takes one disk after
the other.

Knows nothing of copying or proving. What happens to one disk: a passing fault ends its lane while the others bring the disks
they have begun to their end, because a copy that is cut off reads its source from the start again; any other fault ends all.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextvars import copy_context
from dataclasses import dataclass
from uuid import UUID

from django.db import Error as DatabaseFault
from django.db import OperationalError, connections

from estate.errors import Retry, Wait
from estate.xapi.session import XapiSession
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import DiskCopy
from migration.conversion.work.sessions import pool_of
from project.backbone.jobs.context import JobContext


class Tally:
    """How far all disks of a machine are together, told to its job. Safe to use from several threads."""

    def __init__(self, job: JobContext, doing: str, disks: Iterable[DiskCopy], is_done: Callable[[DiskCopy], bool]) -> None:
        self._job, self._doing = job, doing
        self._lock = threading.Lock()
        self._left_bytes: dict[UUID, int] = {}
        self._total_bytes = 0
        for disk in disks:
            self._total_bytes += disk.bytes_total
            self._left_bytes[disk.pk] = 0 if is_done(disk) else disk.bytes_total
        self._begun: dict[UUID, str] = {}

    def tell(self, disk: DiskCopy, done_bytes: int) -> None:
        """One disk is so far. Raises: LeaseLost."""
        with self._lock:
            self._left_bytes[disk.pk] = disk.bytes_total - done_bytes
            self._begun[disk.pk] = disk.label
            at_work = sorted(label for key, label in self._begun.items() if self._left_bytes[key]) or [disk.label]
            done = self._total_bytes - sum(self._left_bytes.values())
            self._job.progress(done, self._total_bytes, "bytes", f"{self._doing} {', '.join(at_work)}")


@dataclass(frozen=True, slots=True)
class Lane:
    """What the work on one disk gets to hold. `alive` also ends it when another disk failed for good."""

    pool: XapiSession
    job: JobContext
    tally: Tally
    alive: Callable[[], None]


Work = Callable[[DiskCopy, Lane], None]


@dataclass(frozen=True, slots=True)
class Machine:
    """Whose disks they are, its session at the pool, and how many lanes it has. `narrow` is told when it uses fewer."""

    spec: ConversionSpec
    pool: XapiSession
    job: JobContext
    lanes: int
    narrow: Callable[[int], None]


def each_disk(machine: Machine, disks: Sequence[DiskCopy], tally: Tally, work: Work) -> None:
    """Do the work on every disk, in as many lanes as the machine has.

    Raises: what the work raised; of several faults the first that does not pass.
    """
    lanes = min(machine.lanes, len(disks))
    machine.narrow(max(1, lanes))
    if lanes > 1:
        _Crew(machine, disks, tally, work).run(lanes)
        return
    for disk in disks:
        work(disk, Lane(machine.pool, machine.job, tally, machine.job.alive))


PASSING = (Retry, Wait, OperationalError)
"""Faults after which the job is tried again: the last one as in project.backbone.jobs.runner."""


class _OtherFailed(Exception):
    """Another disk of the machine failed for good."""


class _Crew:
    """The lanes of one machine, while it has several. The largest disks are begun first, so that all end together."""

    def __init__(self, machine: Machine, disks: Sequence[DiskCopy], tally: Tally, work: Work) -> None:
        self._machine, self._tally, self._work = machine, tally, work
        self._todo = deque(sorted(disks, key=lambda disk: -disk.bytes_total))
        self._begin_no_more = threading.Event()
        self._stop = threading.Event()

    def run(self, lanes: int) -> None:
        with ThreadPoolExecutor(lanes, thread_name_prefix="disk") as threads:
            ends = [threads.submit(copy_context().run, self._lane) for _ in range(lanes)]
            fault = self._narrowed(ends)
        _raise_worst(ends)
        if fault is not None:
            raise fault

    def _narrowed(self, ends: Sequence[Future[None]]) -> DatabaseFault | None:
        """Tell how many lanes are left whenever one ends, until all have; gives the fault that telling it met."""
        try:
            for ended, _ in enumerate(as_completed(ends), 1):
                self._machine.narrow(max(1, len(ends) - ended))
        except DatabaseFault as fault:
            self._begin_no_more.set()
            return fault
        return None

    def _lane(self) -> None:
        try:
            with pool_of(self._machine.spec, self._alive) as pool:
                lane = Lane(pool, self._machine.job, self._tally, self._alive)
                while (disk := self._next()) is not None:
                    self._work(disk, lane)
        except BaseException as fault:
            self._begin_no_more.set()
            if not isinstance(fault, PASSING):
                self._stop.set()
            raise
        finally:
            connections.close_all()

    def _next(self) -> DiskCopy | None:
        try:
            return None if self._begin_no_more.is_set() else self._todo.popleft()
        except IndexError:
            return None

    def _alive(self) -> None:
        if self._stop.is_set():
            raise _OtherFailed
        self._machine.job.alive()


def _raise_worst(ends: Iterable[Future[None]]) -> None:
    faults = [fault for end in ends if (fault := end.exception()) is not None and not isinstance(fault, _OtherFailed)]
    faults.sort(key=lambda fault: isinstance(fault, PASSING))
    if faults:
        raise faults[0]
