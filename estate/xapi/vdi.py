"""Disk bytes into and out of a VDI: the raw import with frames, and the export for reading back.

One sink is one PUT with one task. Creating and removing VDIs is done in vm.py and leftovers.py; what is sent, in
estate.disks. Source: xapi's import_raw_vdi and export_raw_vdi handlers, its `chunked` frames, and their known limits.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from urllib.parse import urlencode

import structlog

from estate.disks.frames import FrameWriter
from estate.disks.ports import BlockReader
from estate.disks.vhd_stream import VhdReadback
from estate.errors import EdgeError, Retry
from estate.tls import line_error
from estate.xapi import tasks
from estate.xapi.errors import ObjectGone, SrFull, TaskStuck
from estate.xapi.session import XapiSession
from estate.xapi.transport import split_address
from estate.xapi.vdi_access import is_vhd, reads_as_zero, serving_address, wait_until_free
from estate.xapi.wire import Line, open_line

__all__ = ["ExportReader", "RawImportSink", "open_readback", "reads_as_zero"]

log = structlog.get_logger(__name__)

SECTOR_BYTES = 512
_TASK_DEADLINE_S = 900.0
"""After the last frame the host flushes the VDI and detaches it; minutes on a loaded array."""
_FREE_DEADLINE_S = 120.0
_EXPLAIN_DEADLINE_S = 30.0
_MOMENT_S = 0.25
_FULL_BELOW_BYTES = 64 << 20
"""An SR with less free space than this cannot take another block of a VHD with its metadata."""


class RawImportSink:
    """Writes frames into an existing VDI by one `PUT /import_raw_vdi`, opened at the first write.

    `capacity_bytes` ends what may be written; it is at most the VDI's size. `zero_fill`: see `estate.disks.ports.VdiSink`.
    `alive()` is called while the pool takes no bytes, and ends the copy by raising; left out, it is the session's.

    Raises:
        SrFull, TaskStuck, VdiInUse, ...: what the task of the request ended with.
        Retry: the line broke and the task does not say why.
    """

    def __init__(
        self,
        session: XapiSession,
        vdi_uuid: str,
        capacity_bytes: int,
        zero_fill: bool,
        *,
        alive: Callable[[], None] | None = None,
    ) -> None:
        self._session = session
        self._alive = alive or session.alive
        self._vdi_uuid = vdi_uuid
        self._capacity_bytes = capacity_bytes
        self._zero_fill = zero_fill
        self._transfer: _Transfer | None = None
        self._frames: FrameWriter | None = None

    @property
    def zero_fill(self) -> bool:
        """Whether zeros have to be sent like data."""
        return self._zero_fill

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """Send one frame; offset and length are whole sectors."""
        length = len(data)
        if offset_bytes % SECTOR_BYTES or length % SECTOR_BYTES or offset_bytes + length > self._capacity_bytes:
            raise ValueError(f"a frame of {length} bytes at {offset_bytes} does not fit a disk of {self._capacity_bytes} bytes")
        if not length:
            return
        if self._frames is None:
            self._transfer = _Transfer.open(
                self._session, "PUT", "/import_raw_vdi", self._vdi_uuid, {"chunked": "true"}, self._alive
            )
            self._frames = FrameWriter(self._transfer.line.sock, self._alive)
        try:
            self._frames.frame(offset_bytes, data)
        except OSError as error:
            raise self._explained(error) from error

    def finish(self) -> None:
        """Send the end mark and wait until the pool's task says that everything is written."""
        if self._transfer is None or self._frames is None:
            return
        try:
            self._frames.end()
        except OSError as error:
            raise self._explained(error) from error
        self._transfer.succeed()
        self._transfer = self._frames = None

    def abort(self) -> None:
        """Cut the request without its end mark, so that its task fails, and wait until the VDI is free again."""
        transfer, self._transfer, self._frames = self._transfer, None, None
        if transfer is not None:
            transfer.give_up()

    def _explained(self, error: OSError) -> EdgeError:
        assert self._transfer is not None
        return self._transfer.explained(error)


class ExportReader:
    """The bytes of one `GET /export_raw_vdi`, from their front. `read_into` gives 0 at the end. Make it by `open_readback`.

    However slowly they come, `alive` of the transfer is asked every tick, and ends the reading by raising.
    """

    def __init__(self, transfer: _Transfer) -> None:
        self._transfer = transfer
        self._start = memoryview(transfer.line.head.body_start)

    def skip_zeros(self, _length: int, /) -> bool:
        """A raw disk has to be read."""
        return False

    def read_into(self, buffer: memoryview) -> int:
        """Fill at most `buffer`.

        Raises:
            EdgeError: the line broke, or the export's task failed.
        """
        if len(self._start):
            count = min(len(self._start), len(buffer))
            buffer[:count], self._start = self._start[:count], self._start[count:]
            return count
        try:
            return self._transfer.line.incoming.receive_into(buffer)
        except OSError as error:
            raise self._transfer.explained(error) from error

    def close(self) -> None:
        """Cut the line and wait until the VDI is free, so that its VM can start."""
        self._transfer.give_up()


def open_readback(session: XapiSession, vdi_uuid: str, *, alive: Callable[[], None] | None = None) -> BlockReader:
    """Open a VDI for reading back: as a VHD where it is one, which spares the blocks that were never written.

    `alive()` is called while the pool is waited for, and ends the reading by raising; left out, it is the session's.

    Raises:
        EdgeError: the VDI is gone or in use, or no host can serve it.
    """
    as_vhd = is_vhd(session, vdi_uuid)
    extra = {"format": "vhd"} if as_vhd else {}
    reader = ExportReader(_Transfer.open(session, "GET", "/export_raw_vdi", vdi_uuid, extra, alive or session.alive))
    return VhdReadback(reader) if as_vhd else reader


class _Transfer:
    """One HTTP request on a VDI with its task: opened on a host that serves the SR, explained by its task, cleared away."""

    def __init__(self, session: XapiSession, vdi: str, task: str, what: str, line: Line, alive: Callable[[], None]) -> None:
        self._session = session
        self._alive = alive
        self._vdi = vdi
        self.task = task
        self.what = what
        self.line = line

    @classmethod
    def open(
        cls, session: XapiSession, method: str, path: str, vdi_uuid: str, extra: dict[str, str], alive: Callable[[], None]
    ) -> _Transfer:
        vdi = str(session.call("VDI.get_by_uuid", vdi_uuid))
        wait_until_free(session, vdi, deadline_s=_FREE_DEADLINE_S, alive=alive)
        address = serving_address(session, vdi)
        name = session.call("VDI.get_name_label", vdi)
        verb = "writing" if method == "PUT" else "reading"
        task = tasks.create(session, f"Xenbound: {verb} {name}", vdi_uuid)
        query = {"session_id": session.handle, "task_id": task, "vdi": vdi_uuid, "format": "raw"} | extra
        host, port = split_address(address, session.port)
        what = f"{verb} the VDI {name}"
        try:
            where = f"{session.name}, {what}"
            target = f"{path}?{urlencode(query)}"
            line = open_line(method, target, host=host, port=port, pins=session.pins, where=where, alive=alive)
        except BaseException:
            tasks.destroy(session, task)
            raise
        return cls(session, vdi, task, what, line, alive)

    def explained(self, error: OSError) -> EdgeError:
        """Why the line broke: the task knows better than the socket, unless it does not end."""
        self.line.close()
        try:
            tasks.wait(self._session, self.task, deadline_s=_EXPLAIN_DEADLINE_S, what=self.what)
        except EdgeError as reason:
            if reason.code != TaskStuck.code:
                return self._sharpened(reason)
        return line_error(error, where=f"{self._session.name}, {self.what}")

    def succeed(self) -> None:
        """Wait for the task's success, then clear away."""
        try:
            tasks.wait(self._session, self.task, deadline_s=_TASK_DEADLINE_S, what=self.what)
        except EdgeError as reason:
            raise self._sharpened(reason) from reason
        self.close()

    def _sharpened(self, reason: EdgeError) -> EdgeError:
        """A thin SR that fills up while being written shows only as an I/O error; its figures tell the two apart."""
        if reason.code == ObjectGone.code:
            # Its task is all that was asked for: whether everything was written, nobody can tell any more.
            return Retry(
                f"{self._session.name}, {self.what}: the pool has forgotten the task of this transfer",
                code="task_forgotten",
                next_step="Look who removes tasks in the pool, then retry. Where a transfer takes more than 24 h: make "
                "segments shorter (XENBOUND_SEGMENT_S); for reading back, one transfer a disk, raise the bandwidth limit.",
                where=self._session.name,
            )
        if reason.code != "vdi_io_error":
            return reason
        session = self._session
        sr = session.call("VDI.get_SR", self._vdi)
        free_bytes = int(session.call("SR.get_physical_size", sr)) - int(session.call("SR.get_physical_utilisation", sr))
        if free_bytes >= _FULL_BELOW_BYTES:
            return reason
        return SrFull(
            f"{session.name}, {self.what}: the SR {session.call('SR.get_name_label', sr)} ran out of space",
            next_step="Free space on that SR or map the datastore to another SR, then start again.",
            where=session.name,
        )

    def close(self) -> None:
        """Clear away after success."""
        self.line.close()
        tasks.destroy(self._session, self.task)

    def give_up(self) -> None:
        """Cut the line, let the task end, wait for the VDI. What fails in here is noted: an error is already on its way.

        A pool that writes slowly still writes what it took. A cancelled job waits for that a moment only: whoever wants
        the VDI next waits for it.
        """
        self.line.close()
        session, patience = self._session, _Patience(self._alive)
        try:
            if self._is_pending():
                tasks.wait_until_ended(session, self.task, deadline_s=_EXPLAIN_DEADLINE_S, alive=patience)
            wait_until_free(session, self._vdi, deadline_s=_FREE_DEADLINE_S, alive=patience)
        except EdgeError as error:
            log.warning("xapi.transfer_left_behind", pool=session.name, what=self.what, code=error.code)
        except _Enough:
            log.warning("xapi.transfer_left_to_pool", pool=session.name, what=self.what)
        tasks.destroy(session, self.task)

    def _is_pending(self) -> bool:
        """Whether the pool still works on it, as far as it knows."""
        try:
            return str(self._session.call("task.get_status", self.task)) == "pending"
        except ObjectGone:
            return False


class _Enough(Exception):
    """A cancelled job waited its moment."""


class _Patience:
    """Stands for `alive` while clearing away, which a cancelled job does as well, as far as it is done in a moment."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive
        self._end_s: float | None = None

    def __call__(self) -> None:
        if self._end_s is None:
            with contextlib.suppress(Exception):  # what ends the job is on its way already, or comes with the next question
                self._alive()
                return
            self._end_s = time.monotonic() + _MOMENT_S
        if time.monotonic() > self._end_s:
            raise _Enough
