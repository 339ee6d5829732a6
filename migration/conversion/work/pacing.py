"""Keeps a copy to the bandwidth its project allows to the pool at this time of day, shared by the copies that go there now."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from estate.disks.ports import VdiSink
from migration.conversion import selectors
from migration.conversion.core.bandwidth import Pace, limit_at, windows_from
from migration.conversion.models import Conversion
from project.backbone.clock import now

LOOK_EVERY_S = 5.0
LONGEST_NAP_S = 0.25


class PacedSink:
    """A sink that takes bytes no faster than `limit()` says, in bytes a second; None is no limit. Implements `VdiSink`."""

    def __init__(self, sink: VdiSink, limit: Callable[[], float | None], alive: Callable[[], None]) -> None:
        self._sink, self._limit, self._alive = sink, limit, alive
        self._pace = Pace()
        self.written_bytes = 0

    @property
    def zero_fill(self) -> bool:
        """As the sink's."""
        return self._sink.zero_fill

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """Write, then pause as long as it takes; a cancelled job leaves the pause at once."""
        self._sink.write(offset_bytes, data)
        self.written_bytes += len(data)
        limit = self._limit()
        if limit is None:
            return
        until_s = time.monotonic()
        until_s += self._pace.pause_s(len(data), limit, until_s)
        while (left_s := until_s - time.monotonic()) > 0:
            self._alive()
            time.sleep(min(left_s, LONGEST_NAP_S))

    def finish(self) -> None:
        """As the sink's."""
        self._sink.finish()

    def abort(self) -> None:
        """As the sink's."""
        self._sink.abort()


def limit_for(row: Conversion) -> Callable[[], float | None]:
    """One disk's share of what the project allows to the pool, looked up anew every few seconds."""
    looked_at_s, share = float("-inf"), None

    def limit() -> float | None:
        nonlocal looked_at_s, share
        if time.monotonic() - looked_at_s >= LOOK_EVERY_S:
            looked_at_s, share = time.monotonic(), _share(row, now())
        return share

    return limit


def _share(row: Conversion, at: datetime) -> float | None:
    settings = selectors.running_settings(row.project)
    local = at.astimezone(ZoneInfo(settings.time_zone))
    whole = limit_at(windows_from(settings.bandwidth), local, str(row.pool_id))
    return None if whole is None else whole / selectors.lanes_to_pool(row)
