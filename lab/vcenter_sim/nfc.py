"""The bytes of an export: NFC downloads of a lease's files, with the faults that may break them.

No Content-Length, as vSphere sends none: chunked transfer coding for HTTP/1.1. Leases are leases.py's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyVmomi import vmodl

from lab.disks import PreparedDisk
from lab.vcenter_sim.center import Center
from lab.vcenter_sim.leases import Lease, close_lease, lease_of_ticket

PIECE_BYTES = 256 * 1024
TICKS_PER_S = 10


class LineCut(OSError):
    """The connection must break here, in the middle of the body."""


class LineReset(LineCut):
    """It must break with a reset, as when a firewall forgot it."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that may be fetched now, with its lease and the faults that were armed when it began."""

    lease: Lease
    source: Path | bytes
    dead_after_bytes: int | None
    end_after_bytes: int | None
    reset_after_bytes: int | None = None
    stall_s: int | None = None


def find_download(center: Center, path: str) -> Download | None:
    """The download behind `/nfc/<ticket>/<file>`; None when there is no such live lease or file."""
    parts = path.strip("/").split("/")
    if len(parts) != 3 or parts[0] != "nfc":
        return None
    lease = lease_of_ticket(center, parts[1])
    if lease is None or lease.state != "ready" or parts[2] not in lease.files:
        return None
    file = lease.files[parts[2]]
    if not isinstance(file, PreparedDisk):
        return Download(lease, file, None, None)
    take = center.faults.take
    return Download(lease, file.vmdk_path, take("lease_dead"), take("truncate"), take("reset"), take("stall"))


def stream(center: Center, download: Download, write: Callable[[bytes], object]) -> None:
    """Write the body piece by piece.

    Raises:
        LineCut: the lease died, by its timeout or by an armed fault; LineReset: the line is to be reset.
    """
    sent = 0
    if download.stall_s:
        download.lease.over.wait(download.stall_s)
    for piece in _pieces(center, download.source):
        if download.end_after_bytes is not None and sent + len(piece) >= download.end_after_bytes:
            write(piece[: download.end_after_bytes - sent])
            return
        if download.dead_after_bytes is not None and sent + len(piece) >= download.dead_after_bytes:
            write(piece[: download.dead_after_bytes - sent])
            _kill(center, download.lease)
        if download.reset_after_bytes is not None and sent + len(piece) >= download.reset_after_bytes:
            write(piece[: download.reset_after_bytes - sent])
            raise LineReset("a fault was armed")
        if download.lease.state != "ready" or center.stopping.is_set():
            raise LineCut("the lease is gone")
        write(piece)
        sent += len(piece)
        rate = center.faults.standing.get("slow")
        if rate:
            download.lease.over.wait(len(piece) / rate)


def _kill(center: Center, lease: Lease) -> None:
    close_lease(center, lease, "error", vmodl.fault.SystemError(reason="NFC", msg="the host lost the connection to the disk"))


def _pieces(center: Center, source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb", buffering=0) as file:
        while piece := file.read(_piece_bytes(center)):
            yield piece


def _piece_bytes(center: Center) -> int:
    rate = center.faults.standing.get("slow")
    return max(1, min(PIECE_BYTES, rate // TICKS_PER_S)) if rate else PIECE_BYTES
