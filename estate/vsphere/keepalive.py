"""Keeping an export lease alive from a thread of its own: without a word in time, the lease dies with all its streams.

Knows no protocol: it calls `progress` and remembers why that failed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from estate.errors import EdgeError
from estate.vsphere.nfc import FROM_START, LeaseDead

LONGEST_PAUSE_S = 30.0
# Faults of the line, not of the lease.
_PASSING = frozenset({"timeout", "connection_lost", "connection_refused", "unreachable", "server_busy", "name_not_found"})
log = structlog.get_logger(__name__)


class LeaseKeeper:
    """Calls `progress()` every third of the lease's timeout, at least every 30 s, until stopped or refused.

    A passing fault of the line is tried again until the lease must have timed out. Reads ask `check` whether it lives.
    """

    def __init__(
        self,
        progress: Callable[[], None],
        *,
        timeout_s: float,
        where: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._progress = progress
        self._timeout_s = timeout_s
        self._pause_s = min(LONGEST_PAUSE_S, timeout_s / 3)
        self._where = where
        self._clock = clock
        self._heard_at = clock()
        self._over = threading.Event()
        self._death: LeaseDead | None = None
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Say no more; waits for a word that is on its way."""
        self._over.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=self._timeout_s)

    def ask(self) -> None:
        """Say a word now, because a stream ended or broke. Raises LeaseDead when the lease is gone."""
        self._say()
        self.check()

    def check(self) -> None:
        """Raises LeaseDead once the lease is known to be gone. Costs nothing."""
        if self._death is not None:
            raise LeaseDead(self._death.message, next_step=FROM_START, where=self._where)

    def _run(self) -> None:
        while self._death is None and not self._over.wait(self._pause_s):
            self._say()

    def _say(self) -> None:
        try:
            self._progress()
            self._heard_at = self._clock()
        except EdgeError as error:
            if self._is_fatal(error):
                self._die(error)
            else:
                log.warning("vsphere.lease_unheard", where=self._where, code=error.code)

    def _is_fatal(self, error: EdgeError) -> bool:
        return error.code not in _PASSING or self._clock() - self._heard_at > self._timeout_s

    def _die(self, error: EdgeError) -> None:
        self._death = LeaseDead(f"{self._where}: the export has ended ({error.message})", next_step=FROM_START, where=self._where)
        log.warning("vsphere.lease_dead", where=self._where, code=error.code)
