"""GET /export_raw_vdi: a VDI's bytes as one stream that ends with the connection; no Content-Length, as on a real host."""

from __future__ import annotations

import os
import socket

from lab.xapi_sim.pool import Pool
from lab.xapi_sim.transfer_attach import ConnectionBroken, attached, ending
from lab.xapi_sim.transfer_faults import Throttle
from lab.xapi_sim.transfer_request import Ticket

PIECE_BYTES = 2 << 20


def send(pool: Pool, host: str, ticket: Ticket, sock: socket.socket) -> None:
    """Stream the whole VDI after its 200 header has been sent; the task tells how it went.

    Raises:
        XapiFailure: the VDI is in use (the stream ends early); OSError: the reader went away.
    """
    pool.tasks.adopt(ticket.task)
    throttle = Throttle(pool)
    buffer = memoryview(bytearray(PIECE_BYTES))
    with (
        ending(pool, ticket.task, ""),
        attached(pool, host, ticket.vdi, writing=False) as size_bytes,
        pool.storage.path(ticket.vdi).open("rb", buffering=0) as file,
    ):
        done = 0
        while done < size_bytes:
            got = os.preadv(file.fileno(), [buffer[: min(PIECE_BYTES, size_bytes - done)]], done)
            if not got or not pool.fabric.is_up(host):
                raise ConnectionBroken
            pool.tasks.check(ticket.task)
            sock.sendall(buffer[:got])
            throttle.after(got)
            done += got
            pool.tasks.progress(ticket.task, done / size_bytes)
