"""Processes of embedded mode: signals that stop one cleanly, children that are started again, and a parent that is missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

SUPERVISED = "XENBOUND_SUPERVISED"
LOOK_EVERY_S = 0.2
GRACE_S = 12.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_AFTER_S = 20.0
log = structlog.get_logger("xenbound.processes")


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM, SIGINT (Ctrl-C), or when the process that started this one is gone."""

    def stopped(*_: object) -> None:
        stop()

    signal.signal(signal.SIGTERM, stopped)
    signal.signal(signal.SIGINT, stopped)
    threading.Thread(target=miss_parent, args=(os.getppid(), stop), name="parent watch", daemon=True).start()


def miss_parent(parent: int, stop: Callable[[], None]) -> None:
    """Call `stop` when a supervised process was adopted: a supervisor killed with -9 cannot stop its children itself."""
    if os.environ.get(SUPERVISED) != "1":
        return
    while os.getppid() == parent:
        time.sleep(1.0)
    log.warning("parent_gone")
    stop()


@dataclass(slots=True)
class Child:
    """One supervised process: its name in the log and the arguments after `manage.py`."""

    name: str
    arguments: list[str]
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = FIRST_PAUSE_S
    started_at: float = 0.0
    due_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Keeps children alive until told to stop; then stops them, the stubborn ones after a grace period by force."""

    manage: str
    children: list[Child]
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Start everything and watch; returns once every child has ended."""
        while not self.stopping.is_set():
            for child in self.children:
                self._watch(child)
            self.stopping.wait(LOOK_EVERY_S)
        self._stop_all()

    def _watch(self, child: Child) -> None:
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            self._note_end(child, code)
        if time.monotonic() >= child.due_at:
            child.process = subprocess.Popen(  # noqa: S603 - our own manage.py with fixed arguments
                [sys.executable, self.manage, *child.arguments], env={**os.environ, SUPERVISED: "1"}, start_new_session=True
            )
            child.started_at = time.monotonic()
            log.info("process_started", name=child.name, pid=child.process.pid)

    def _note_end(self, child: Child, code: int) -> None:
        """A child that keeps dying is started again ever later; one that ran steadily, at once."""
        steady = time.monotonic() - child.started_at > STEADY_AFTER_S
        child.pause_s = FIRST_PAUSE_S if steady else min(LONGEST_PAUSE_S, child.pause_s * 2)
        child.due_at = time.monotonic() + child.pause_s
        child.process = None
        log.warning("process_ended", name=child.name, exit_code=code, starts_again_in_s=child.pause_s)

    def _stop_all(self) -> None:
        alive = [child.process for child in self.children if child.process is not None and child.process.poll() is None]
        for process in alive:
            process.terminate()
        until = time.monotonic() + GRACE_S
        for process in alive:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
