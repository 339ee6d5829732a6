"""Time of the lab: wall time for what is shown, accelerated time for what would take minutes on real hosts.

A lab second lasts 1/`factor` wall seconds. Nothing else in the simulator sleeps.
"""

from __future__ import annotations

import datetime
import threading
import time


class LabClock:
    """Wall clock plus sleeps in lab seconds that end at once when the lab stops."""

    def __init__(self, factor: float) -> None:
        if factor <= 0:
            raise ValueError("the clock factor must be above 0; 1 is real time, 60 makes a minute a second")
        self.factor = factor
        self._stopped = threading.Event()

    def now(self) -> datetime.datetime:
        """Aware UTC, to the second, as the API shows times."""
        return datetime.datetime.now(datetime.UTC).replace(microsecond=0)

    def lab_seconds(self) -> float:
        """A monotonic reading in lab seconds."""
        return time.monotonic() * self.factor

    def sleep(self, lab_s: float) -> bool:
        """Wait `lab_s` lab seconds; False when the lab was stopped meanwhile."""
        return not self._stopped.wait(max(0.0, lab_s) / self.factor)

    def stop(self) -> None:
        """End all sleeps, present and future."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether the lab is going down."""
        return self._stopped.is_set()
