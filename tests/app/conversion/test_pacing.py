"""What is read back is held to the bandwidth of the project like what is sent: paced, cancelled at once, zeros for nothing."""

from __future__ import annotations

import time

import pytest

from migration.conversion.work import pacing

KIB = 1 << 10


class Reader:
    """A disk of data, or of zeros that are known."""

    def __init__(self, *, holds_data: bool = True) -> None:
        self._holds_data = holds_data
        self.asked: list[int] = []
        self.closed = False

    def skip_zeros(self, _length: int, /) -> bool:
        return not self._holds_data

    def read_into(self, buffer: memoryview) -> int:
        self.asked.append(len(buffer))
        return len(buffer)

    def close(self) -> None:
        self.closed = True


class Sink:
    """A sink that takes everything at once."""

    zero_fill = False

    def write(self, _offset_bytes: int, _data: memoryview | bytes, /) -> None:
        pass

    def finish(self) -> None:
        pass

    def abort(self) -> None:
        pass


class Cancelled(Exception):
    pass


def test_reading_back_takes_as_long_as_the_limit_says() -> None:
    reader, room = Reader(), memoryview(bytearray(1 << 20))
    paced = pacing.PacedReader(reader, lambda: float(1 << 20), lambda: None)
    began_s, filled = time.monotonic(), 0
    while filled < len(room):
        filled += paced.read_into(room[filled:])
    assert time.monotonic() - began_s > 0.7  # a second, less the burst that a fresh line is allowed
    assert reader.asked == [pacing.PIECE_BYTES] * 4


def test_reading_back_without_a_limit_is_neither_slowed_nor_cut_up() -> None:
    reader = Reader()
    paced = pacing.PacedReader(reader, lambda: None, lambda: pytest.fail("nobody pauses"))
    assert paced.read_into(memoryview(bytearray(2 << 20))) == 2 << 20
    paced.close()
    assert reader.closed


def test_zeros_that_are_known_cost_no_time_on_the_slowest_line() -> None:
    reader = Reader(holds_data=False)
    paced = pacing.PacedReader(reader, lambda: 1.0, lambda: pytest.fail("nobody pauses"))
    assert all(paced.skip_zeros(2 << 20) for _ in range(1000))
    assert not reader.asked


@pytest.mark.parametrize("later", [None, float(64 << 20)])
def test_a_limit_that_is_lifted_or_raised_ends_the_pause_that_it_began(later: float | None) -> None:
    limits = iter([64.0 * KIB] * 4)  # at which the piece would take 32 s
    paced = pacing.PacedSink(Sink(), lambda: next(limits, later), lambda: None)
    began_s = time.monotonic()
    paced.write(0, bytes(2 << 20))
    assert 3 * pacing.LONGEST_NAP_S <= time.monotonic() - began_s < 16


def test_a_limit_that_is_lowered_within_a_pause_makes_it_longer() -> None:
    limits = iter([float(1 << 20)])  # at which it would take 0.4 s, where the one that follows takes 1.5 s
    paced = pacing.PacedSink(Sink(), lambda: next(limits, 256.0 * KIB), lambda: None)
    began_s = time.monotonic()
    paced.write(0, bytes(640 * KIB))
    assert time.monotonic() - began_s > 1.2


def test_what_was_owed_when_a_limit_was_lifted_is_forgotten() -> None:
    limits = iter([1.0, None])
    paced = pacing.PacedSink(Sink(), lambda: next(limits, float(1 << 20)), lambda: None)
    paced.write(0, bytes(40 << 20))
    began_s = time.monotonic()
    paced.write(0, bytes(KIB))
    assert time.monotonic() - began_s < 16


def test_a_cancelled_job_leaves_the_pause_of_a_slow_read_back_at_once() -> None:
    def alive() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        pacing.PacedReader(Reader(), lambda: 1.0, alive).read_into(memoryview(bytearray(KIB)))
