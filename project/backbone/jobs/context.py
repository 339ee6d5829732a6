"""What a handler gets to hold: its job's parameters and checkpoint, and the ways to report, wait and notice its end.

Every write names the claim's fence (queue.py); a worker that lost its lease learns it here and stops.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn
from uuid import UUID

from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.jobs import queue
from project.backbone.jobs.models import Job
from project.backbone.jobs.queue import Claim, LeaseLost

PROGRESS_EVERY_S = 1.0
ALIVE_LOOKS_EVERY_S = 0.5


class JobCancelled(Exception):
    """A person asked to stop this job. Handlers let it pass after tidying up."""


class WorkerStopping(Exception):
    """This worker process is being stopped: the job goes back to the queue for another one. Handlers let it pass."""


class JobWaiting(Exception):
    """The handler has to be called again later. Made by `JobContext.wait` and `waiting` only."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.why = why


@dataclass(slots=True)
class JobContext:
    """One attempt at one job, for the handler that makes it. Safe to use from several threads of that handler."""

    claim: Claim
    id: UUID
    project_id: UUID | None
    actor: Actor
    params: dict[str, Any]
    checkpoint: dict[str, Any]
    attempt: int
    """1 for the first claim of the job, one more for each claim after a wait, a retry or a crash."""
    lost: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)
    _progress_at: float = field(default=float("-inf"))
    _looked_at: float = field(default=float("-inf"))
    _measured: tuple[float, int] | None = field(default=None)

    @staticmethod
    def of(claim: Claim, job: Job, *, lost: threading.Event, stopping: threading.Event | None = None) -> JobContext:
        requested_by = f" ({job.requested_by_name})" if job.requested_by_name else ""
        return JobContext(
            claim=claim,
            id=job.id,
            project_id=job.project_id,
            actor=Actor.system(f"job:{job.kind}{requested_by}", requested_by=job.created_by_id),
            params=dict(job.params),
            checkpoint=dict(job.checkpoint),
            attempt=job.attempts,
            lost=lost,
            stopping=stopping or threading.Event(),
        )

    def save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store where the next attempt goes on. Raises: LeaseLost."""
        self._write(checkpoint=checkpoint)
        self.checkpoint = dict(checkpoint)

    def progress(self, done: int, total: int | None, unit: str = "bytes", message: str = "") -> None:
        """Report progress in `unit`; written at most once a second, and always when `done` reaches `total`. Raises: LeaseLost."""
        at = time.monotonic()
        finished = total is not None and done >= total
        if at - self._progress_at < PROGRESS_EVERY_S and not finished:
            return
        self._progress_at = at
        fields: dict[str, Any] = {
            "progress_done": done, "progress_total": total, "progress_unit": unit, "progress_at": now(),
            "progress_rate_per_s": self._rate(at, done),
        }  # fmt: skip
        if message:
            fields["message"] = message
        self._write(**fields)

    def made_headway(self) -> None:
        """Something is done that no later attempt repeats: passing faults are counted from here anew. Raises: LeaseLost."""
        self._write(tries=0)

    def alive(self) -> None:
        """Return while the attempt may go on; cheap, call it often. Raises: JobCancelled, LeaseLost, WorkerStopping."""
        if self.lost.is_set():
            raise LeaseLost(self.id)
        if self.stopping.is_set():
            raise WorkerStopping(self.id)
        at = time.monotonic()
        if at - self._looked_at < ALIVE_LOOKS_EVERY_S:
            return
        self._looked_at = at
        if queue.cancel_requested(self.claim):
            raise JobCancelled(self.id)

    def wait(self, seconds: float, why: str) -> NoReturn:
        """Give the slot back and be called again after `seconds`, with the checkpoint saved so far. Raises: JobWaiting."""
        raise self.waiting(seconds, why)

    @staticmethod
    def waiting(seconds: float, why: str) -> JobWaiting:
        """What `wait` raises, for a caller that ends with it."""
        return JobWaiting(seconds, why)

    def say(self, message: str) -> None:
        """Show a sentence to whoever watches the job. Raises: LeaseLost."""
        self._write(message=message)

    def _rate(self, at: float, done: int) -> float | None:
        """Units per second since this attempt's first report: a crash or a wait does not count against the rate."""
        if self._measured is None or done < self._measured[1]:
            self._measured = (at, done)
            return None
        began, first = self._measured
        return (done - first) / (at - began) if at > began else None

    def _write(self, **fields: Any) -> None:
        if not queue.write_running(self.claim, **fields):
            self.lost.set()
            raise LeaseLost(self.id)
