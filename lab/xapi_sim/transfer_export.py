"""GET /export_raw_vdi: a VDI, raw or as a VHD, until the connection ends; no Content-Length, as on a real host."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator

from lab.xapi_sim import vhd_stream
from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.transfer_attach import ConnectionBroken, attached, ending
from lab.xapi_sim.transfer_faults import Sending
from lab.xapi_sim.transfer_request import Ticket

PIECE_BYTES = 2 << 20


def send(pool: Pool, host: str, ticket: Ticket, sock: socket.socket) -> None:
    """Stream the whole VDI after its 200 header has been sent; the task tells how it went.

    Raises:
        XapiFailure: the VDI is in use, or too large for a VHD (the stream ends early); OSError: the reader went away.
    """
    pool.tasks.adopt(ticket.task)
    sending = Sending(pool, sock)
    with ending(pool, ticket.task, ""):
        if ticket.format == "vhd" and pool.store.get("VDI", ticket.vdi, "virtual_size") > vhd_stream.MAX_BYTES:
            raise XapiFailure("VDI_TOO_LARGE", ticket.vdi, str(vhd_stream.MAX_BYTES))
        with attached(pool, host, ticket.vdi, writing=False) as size_bytes:
            for piece, done in _pieces(pool, ticket, size_bytes):
                if not pool.fabric.is_up(host):
                    raise ConnectionBroken
                pool.tasks.check(ticket.task)
                sending.send(piece)
                pool.tasks.progress(ticket.task, done / size_bytes)


def _pieces(pool: Pool, ticket: Ticket, size_bytes: int) -> Iterator[tuple[memoryview | bytes, int]]:
    """What is to be sent, and how far into the disk it reaches."""
    if ticket.format == "raw":
        whole = ((at, min(PIECE_BYTES, size_bytes - at)) for at in range(0, size_bytes, PIECE_BYTES))
        yield from _read(pool, ticket, whole)
        return
    path, sr = pool.storage.path(ticket.vdi), pool.store.get("VDI", ticket.vdi, "SR")
    everything = list(range(-(-size_bytes // vhd_stream.BLOCK_BYTES)))  # a device that is no VHD has no holes
    blocks = vhd_stream.written_blocks(path, size_bytes) if pool.storage.is_vhd(sr) else everything
    yield vhd_stream.front(size_bytes, blocks), 0
    for piece, done in _read(pool, ticket, vhd_stream.ranges(size_bytes, blocks)):
        yield vhd_stream.BITMAP, done
        yield piece, done
        yield bytes(vhd_stream.BLOCK_BYTES - len(piece)), done
    yield vhd_stream.footer(size_bytes), size_bytes


def _read(pool: Pool, ticket: Ticket, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[memoryview, int]]:
    buffer = memoryview(bytearray(PIECE_BYTES))
    with pool.storage.path(ticket.vdi).open("rb", buffering=0) as file:
        for at, length in ranges:
            got = os.preadv(file.fileno(), [buffer[:length]], at)
            if got < length:
                raise ConnectionBroken
            yield buffer[:length], at + length
