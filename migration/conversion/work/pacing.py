"""Keeps copies, what is read back of them and what is sent again to the bandwidth that their project allows at this time of day
between its workers and the pool, shared by the disks that are on their way there now."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from estate.disks.ports import BlockReader, VdiSink
from migration.conversion import selectors
from migration.conversion.core.bandwidth import Pace, limit_at, windows_from
from migration.conversion.models import Conversion
from project.backbone.clock import now

LOOK_EVERY_S = 5.0
LONGEST_NAP_S = 0.25
PIECE_BYTES = 256 << 10


class _Brake:
    """Pauses whoever moves bytes, so that they are no more than `limit()` says, in bytes a second; None is no limit."""

    def __init__(self, limit: Callable[[], float | None], alive: Callable[[], None]) -> None:
        self.limit, self._alive = limit, alive
        self._pace = Pace()

    def after(self, length_bytes: int) -> None:
        """Pause as long as so many bytes take. A cancelled job leaves the pause at once, and a limit that changes changes it."""
        while (left_s := self._left_s(length_bytes)) > 0:
            length_bytes = 0
            self._alive()
            time.sleep(min(left_s, LONGEST_NAP_S))

    def _left_s(self, length_bytes: int) -> float:
        limit = self.limit()
        if limit is None:
            self._pace = Pace()
            return 0.0
        return self._pace.pause_s(length_bytes, limit, time.monotonic())


class PacedSink:
    """A sink that takes bytes no faster than `limit()` says, in bytes a second; None is no limit. Implements `VdiSink`."""

    def __init__(self, sink: VdiSink, limit: Callable[[], float | None], alive: Callable[[], None]) -> None:
        self._sink, self._brake = sink, _Brake(limit, alive)
        self.written_bytes = 0

    @property
    def zero_fill(self) -> bool:
        """As the sink's."""
        return self._sink.zero_fill

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """Write, then pause as long as it takes; a cancelled job leaves the pause at once."""
        self._sink.write(offset_bytes, data)
        self.written_bytes += len(data)
        self._brake.after(len(data))

    def finish(self) -> None:
        """As the sink's."""
        self._sink.finish()

    def abort(self) -> None:
        """As the sink's."""
        self._sink.abort()


class PacedReader:
    """Reads back no faster than `limit()` says, likewise. Implements `BlockReader`; zeros that nobody sends cost nothing."""

    def __init__(self, reader: BlockReader, limit: Callable[[], float | None], alive: Callable[[], None]) -> None:
        self._reader, self._brake = reader, _Brake(limit, alive)

    def skip_zeros(self, length: int, /) -> bool:
        """As the reader's."""
        return self._reader.skip_zeros(length)

    def read_into(self, buffer: memoryview) -> int:
        """Read, then pause as long as it takes. Under a limit in little pieces: the line is to be slow, not to stop and go."""
        piece = buffer if self._brake.limit() is None else buffer[:PIECE_BYTES]
        count = self._reader.read_into(piece)
        self._brake.after(count)
        return count

    def close(self) -> None:
        """As the reader's."""
        self._reader.close()


def limit_for(row: Conversion) -> Callable[[], float | None]:
    """One disk's share of what the project allows between its workers and the pool, looked up anew every few seconds."""
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
