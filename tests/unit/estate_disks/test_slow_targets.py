"""A target that takes bytes slowly or not at all: the source waits, memory stays as it is, and a cancel is obeyed at once."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from estate.disks import heap, pump
from estate.disks.blockmap import BLOCK_BYTES, BlockHashes
from estate.disks.errors import ImageReadFailed
from estate.disks.frames import FrameWriter
from estate.disks.images import ImageSource, LocalFolder, open_raw
from estate.disks.ports import ExtentSource
from estate.disks.vmdk import StreamVmdkSource
from tests.builders.disk_files import raw_disk
from tests.builders.vmdk import DribblingStream, vmware_stream

MIB = 1 << 20
CAPACITY = 48 * BLOCK_BYTES
BOUND_BYTES = 40 * MIB


class Cancelled(Exception):
    pass


class SocketSink:
    """Frames by the product's own writer."""

    zero_fill = False

    def __init__(self, line: socket.socket, frames: FrameWriter) -> None:
        self._line = line
        self._frames = frames

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        self._frames.frame(offset_bytes, data)

    def finish(self) -> None:
        self._frames.end()
        self._line.close()

    def abort(self) -> None:
        self._line.close()


@pytest.fixture(params=["a stream", "a raw file"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ExtentSource:
    if request.param == "a stream":
        return StreamVmdkSource(DribblingStream(vmware_stream(random.Random(1).randbytes(CAPACITY), level=0)))
    raw_disk(tmp_path / "disk", CAPACITY, [(0, CAPACITY)])
    return ImageSource(open_raw(LocalFolder(tmp_path), "disk"))


def test_target_of_a_fixed_rate_never_makes_the_source_run_ahead(source: ExtentSource) -> None:
    ours, theirs = socket.socketpair()
    took = []

    def take_slowly() -> None:
        room = bytearray(MIB)
        while got := theirs.recv_into(room):
            took.append(got)
            time.sleep(got / (100 * MIB))

    taker = threading.Thread(target=take_slowly)
    taker.start()
    tracemalloc.start()
    before_bytes = tracemalloc.get_traced_memory()[0]
    try:
        pump.copy(source, SocketSink(ours, FrameWriter(ours, lambda: None)), block_hashes=BlockHashes(CAPACITY))
        peak_bytes = tracemalloc.get_traced_memory()[1] - before_bytes
    finally:
        tracemalloc.stop()
    taker.join()
    theirs.close()
    assert sum(took) == CAPACITY + 12 * (CAPACITY // BLOCK_BYTES + 1)
    assert peak_bytes < BOUND_BYTES


def test_cancel_frees_everything_within_a_second_of_a_target_that_stands_still(source: ExtentSource) -> None:
    ours, theirs = socket.socketpair()
    cancel_at_s = time.monotonic() + 0.4

    def alive() -> None:
        if time.monotonic() >= cancel_at_s:
            raise Cancelled

    with contextlib.closing(theirs), pytest.raises(Cancelled):
        pump.copy(source, SocketSink(ours, FrameWriter(ours, alive)), block_hashes=BlockHashes(CAPACITY), alive=alive)
    assert time.monotonic() - cancel_at_s < 1.0
    assert ours.fileno() == -1
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith(("vmdk", "image"))] == []


class SilentFile:
    """A server that was asked for a part of a file and says nothing until the line is closed."""

    name, size_bytes = "silent", CAPACITY

    def __init__(self) -> None:
        self._closed = threading.Event()

    def read_into(self, offset_bytes: int, _room: memoryview, /) -> None:
        self._closed.wait(20.0)
        raise ImageReadFailed(self.name, offset_bytes, "the line was closed")

    def data_ranges(self, start: int, end: int, /) -> Iterator[tuple[int, int]]:
        yield start, end

    def close(self) -> None:
        self._closed.set()


class SilentFolder:
    def open(self, _name: str, /) -> SilentFile:
        return SilentFile()


def test_cancel_is_obeyed_while_the_file_of_an_image_says_nothing() -> None:
    def alive() -> None:
        raise Cancelled

    ours, theirs = socket.socketpair()
    sink = SocketSink(ours, FrameWriter(ours, alive))
    silent = ImageSource(open_raw(SilentFolder(), "silent"))
    with contextlib.closing(theirs), pytest.raises(Cancelled):
        pump.copy(silent, sink, block_hashes=BlockHashes(CAPACITY), alive=alive)


@pytest.mark.parametrize("fault", [OSError, AttributeError, TypeError])
def test_machine_whose_c_library_is_another_one_copies_all_the_same(
    monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    asked = []

    def no_library(name: object) -> object:
        asked.append(name)
        raise fault

    monkeypatch.setattr(heap.ctypes, "CDLL", no_library)
    heap.keep_freed_memory.__wrapped__()
    assert asked, "the library was looked for, and its absence is no fault"
