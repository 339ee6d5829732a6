"""PUT /import_raw_vdi: raw bytes, or 12-byte frames, into a VDI's file.

Frame: u64 little-endian offset, u32 little-endian length, then the bytes; twelve zero bytes end the stream. The device
is opened O_DIRECT on a real host, so odd offsets and lengths are I/O errors here too. Source: vhd-tool chunked.ml.
"""

from __future__ import annotations

import os
import struct
from io import BufferedIOBase

from lab.xapi_sim import wire_xml
from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.transfer_attach import IO_ERROR, attached, ending
from lab.xapi_sim.transfer_faults import Meddler
from lab.xapi_sim.transfer_request import Ticket

FRAME = struct.Struct("<QI")
PIECE_BYTES = 2 << 20
SECTOR_BYTES = 512
LARGEST_FRAME_BYTES = (1 << 31) - 1


def receive(pool: Pool, host: str, ticket: Ticket, stream: BufferedIOBase, content_length: int | None) -> None:
    """Read the body of an import whose 200 has been sent; the task tells how it went.

    Raises:
        XapiFailure: the task failed with it; ConnectionBroken, OSError: the connection did.
    """
    pool.tasks.adopt(ticket.task)
    result = wire_xml.encode_value(ticket.vdi)
    with (
        ending(pool, ticket.task, result),
        attached(pool, host, ticket.vdi, writing=True) as size_bytes,
        pool.storage.path(ticket.vdi).open("r+b", buffering=0) as file,
    ):
        sink = _Sink(pool, host, ticket, file.fileno(), size_bytes)
        if ticket.chunked:
            _receive_frames(stream, sink)
        else:
            _receive_plain(pool, ticket, stream, sink, size_bytes if content_length is None else content_length)


class _Sink:
    """Writes pieces to the VDI's file, with space, faults and cancellation looked after."""

    def __init__(self, pool: Pool, host: str, ticket: Ticket, descriptor: int, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._pool, self._host, self._ticket, self._descriptor = pool, host, ticket, descriptor
        with pool.store.lock:
            self._sr = pool.store.get("VDI", ticket.vdi, "SR")
            pool.storage.report_full(self._sr, False)
            self._room = None if pool.storage.is_thick(self._sr) else pool.storage.free_bytes(self._sr)
        self._meddler = Meddler(pool, host, self._sr, ticket.task)

    def write(self, piece: memoryview, offset: int) -> None:
        """Write one piece.

        Raises:
            XapiFailure: VDI_IO_ERROR beyond the end, off the sectors, or when the SR is full.
        """
        if offset % SECTOR_BYTES or len(piece) % SECTOR_BYTES or offset + len(piece) > self.size_bytes:
            raise XapiFailure(*IO_ERROR)
        piece = self._meddler.before_write(piece, offset)
        self._claim(len(piece))
        os.pwrite(self._descriptor, piece, offset)

    def _claim(self, length: int) -> None:
        """Thin SRs fill up while writing; rewriting a block costs nothing, so ask again before refusing."""
        if self._room is None:
            return
        self._room -= length
        if self._room < 0:
            with self._pool.store.lock:
                self._room = self._pool.storage.free_bytes(self._sr) - length
                if self._room < 0:
                    self._pool.storage.report_full(self._sr)
                    raise XapiFailure(*IO_ERROR)


def _receive_frames(stream: BufferedIOBase, sink: _Sink) -> None:
    buffer = memoryview(bytearray(PIECE_BYTES))
    while True:
        offset, length = FRAME.unpack(_exactly(stream, memoryview(bytearray(FRAME.size))))
        if offset == 0 and length == 0:
            return
        if length > LARGEST_FRAME_BYTES:
            raise XapiFailure(*IO_ERROR)
        done = 0
        while done < length:
            piece = _exactly(stream, buffer[: min(PIECE_BYTES, length - done)])
            sink.write(piece, offset + done)
            done += len(piece)


def _receive_plain(pool: Pool, ticket: Ticket, stream: BufferedIOBase, sink: _Sink, length: int) -> None:
    buffer = memoryview(bytearray(PIECE_BYTES))
    done = 0
    while done < length:
        piece = _exactly(stream, buffer[: min(PIECE_BYTES, length - done)])
        tail = -len(piece) % SECTOR_BYTES
        if tail and done + len(piece) < sink.size_bytes:
            piece = memoryview(bytes(piece) + bytes(tail))
        sink.write(piece, done)
        done += len(piece)
        pool.tasks.progress(ticket.task, min(1.0, done / max(1, length)))


def _exactly(stream: BufferedIOBase, view: memoryview) -> memoryview:
    """Fill the view; an early end of the stream is an I/O error for the task."""
    got = stream.readinto(view)
    if got != len(view):
        raise XapiFailure(*IO_ERROR)
    return view
