"""A worker process of embedded mode: looks for due jobs and runs each in a thread of its own, a few per queue.

Looking is one indexed query, ten times a second while there is work and twice a second when idle.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from uuid import UUID

import structlog
from django.db import Error as DatabaseFault
from django.db import connections

from project.backbone.clock import now
from project.backbone.jobs import queue
from project.backbone.jobs.queue import WorkerName
from project.backbone.jobs.runner import run_job

BUSY_LOOK_S = 0.1
IDLE_LOOK_S = 0.5
log = structlog.get_logger("xenbound.jobs")


class Worker:
    """Runs due jobs until `stop()`. `slots`: how many jobs of each queue run at the same time here."""

    def __init__(self, slots: Mapping[str, int], name: WorkerName) -> None:
        self.slots = dict(slots)
        self.name = name
        self.stopping = threading.Event()
        self._changed = threading.Event()
        self._running: dict[UUID, tuple[str, threading.Thread]] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        """Look, start, pause; returns after `stop()`."""
        pause_s = BUSY_LOOK_S
        while not self.stopping.is_set():
            pause_s = BUSY_LOOK_S if self._start_due() else min(IDLE_LOOK_S, pause_s * 1.6)
            self._changed.wait(pause_s)
            self._changed.clear()
        connections.close_all()

    def stop(self) -> None:
        """Start nothing more; running jobs are handed back at their next `alive()`."""
        self.stopping.set()
        self._changed.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the running jobs. False: some go on; their leases will run out when the process ends."""
        for _, thread in list(self._running.values()):
            thread.join(timeout_s)
        return not self._running

    def _start_due(self) -> int:
        try:
            return sum(self._start(name, free) for name, free in self._free().items() if free > 0)
        except DatabaseFault as fault:
            log.warning("worker_cannot_look", error=str(fault))
            connections.close_all()
            return 0

    def _free(self) -> dict[str, int]:
        with self._lock:
            taken = [name for name, _ in self._running.values()]
        return {name: most - taken.count(name) for name, most in self.slots.items()}

    def _start(self, name: str, free: int) -> int:
        with self._lock:
            mine = set(self._running)
        ids = [job_id for job_id in queue.due(name, at=now(), limit=free + len(mine)) if job_id not in mine][:free]
        for job_id in ids:
            thread = threading.Thread(target=self._run_one, args=(job_id,), name=f"job {job_id}", daemon=True)
            with self._lock:
                self._running[job_id] = (name, thread)
            thread.start()
        return len(ids)

    def _run_one(self, job_id: UUID) -> None:
        try:
            run_job(job_id, worker=self.name, stopping=self.stopping)
        except DatabaseFault as fault:
            # The row could not be moved; its lease runs out and the sweep queues it again.
            log.warning("worker_lost_database", error=str(fault), job_id=str(job_id))
        finally:
            connections.close_all()
            with self._lock:
                del self._running[job_id]
            self._changed.set()
