"""Tasks: their records, how they end, and who may still stop them.

A task made by task.create is a mere record until a disk transfer adopts it; Async calls make their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lab.xapi_sim.clock import LabClock
from lab.xapi_sim.failure import NULL, XapiFailure
from lab.xapi_sim.store import Store
from lab.xapi_sim.values import EPOCH

KEPT_COMPLETED = 200
LIFETIME = timedelta(hours=24)
PROGRESS_STEP = 0.01
OPEN = ("pending", "cancelling")


class Tasks:
    """All tasks of the pool; `adopted` ones have a worker that looks at `is_cancelling`."""

    def __init__(self, store: Store, clock: LabClock) -> None:
        self._store = store
        self._clock = clock
        self._adopted: set[str] = set()

    def create(self, label: str, description: str = "", host: str = NULL) -> str:
        """A pending task; those that have been pending for a day of lab time are garbage now."""
        self._forget_expired()
        return self._store.create(
            "task",
            name_label=label,
            name_description=description,
            created=self._clock.now(),
            finished=EPOCH,
            status="pending",
            resident_on=host,
            progress=0.0,
            type="<none/>",
            allowed_operations=["cancel", "destroy"],
        )

    def adopt(self, task: str) -> None:
        """A worker took the task over and will end it."""
        self._adopted.add(task)

    def progress(self, task: str, share: float) -> None:
        """Set progress, 0.0 to 1.0, in steps worth an event; a task that was destroyed meanwhile is no error."""
        with self._store.lock:
            if self._store.has("task", task) and share - self._store.get("task", task, "progress") >= PROGRESS_STEP:
                self._store.set("task", task, progress=share)

    def succeed(self, task: str, result: str = "") -> None:
        """End well; `result` is the XML-RPC encoded value."""
        self._end(task, status="success", result=result, error_info=[])

    def fail(self, task: str, description: Sequence[str]) -> None:
        """End with an error, or as cancelled if that is the error."""
        status = "cancelled" if description[0] == "TASK_CANCELLED" else "failure"
        self._end(task, status=status, error_info=list(description))

    def is_cancelling(self, task: str) -> bool:
        """Whether somebody asked for the end."""
        with self._store.lock:
            return self._store.has("task", task) and self._store.get("task", task, "status") == "cancelling"

    def cancel(self, task: str) -> None:
        """Ask a worker to stop, or end the task at once when none works on it."""
        if self._store.get("task", task, "status") not in OPEN:
            return
        if task in self._adopted:
            self._store.set("task", task, status="cancelling")
        else:
            self.fail(task, ["TASK_CANCELLED", task])

    def check(self, task: str) -> None:
        """Stop the caller when its task is being cancelled.

        Raises:
            XapiFailure: TASK_CANCELLED [task].
        """
        if self.is_cancelling(task):
            raise XapiFailure("TASK_CANCELLED", task)

    def expire(self, task: str) -> None:
        """Drop the task as if it had been pending for a day: nobody can ask for it any more. Source: xapi's db_gc."""
        with self._store.lock:
            self._adopted.discard(task)
            if self._store.has("task", task):
                self._store.destroy("task", task)

    def _forget_expired(self) -> None:
        with self._store.lock:
            for ref, row in list(self._store.rows("task")):
                if row.record["status"] in OPEN and self._age(row.record["created"]) > LIFETIME:
                    self.expire(ref)

    def _age(self, created: datetime) -> timedelta:
        """How old in lab time: a real second is as many as the clock's factor says."""
        return (self._clock.now() - created) * self._clock.factor

    def _end(self, task: str, **values: object) -> None:
        with self._store.lock:
            self._adopted.discard(task)
            if self._store.has("task", task) and self._store.get("task", task, "status") in OPEN:
                self._store.set("task", task, progress=1.0, finished=self._clock.now(), **values)
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        done = [ref for ref, row in self._store.rows("task") if row.record["status"] not in OPEN]
        for task in done[:-KEPT_COMPLETED]:
            self._store.destroy("task", task)
