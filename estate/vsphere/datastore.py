"""Files of a datastore, read at any offset over `/folder` with ranges. Which disk they make up is known to estate.disks.images.

Needs `Datastore.Browse` and `Datastore.FileManagement`, and a datastore that holds files (VMFS, NFS). A running machine's
youngest file is locked: take a snapshot first and read its parent.
"""

from __future__ import annotations

import http.client
import posixpath
import queue
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote, urlencode

from estate.disks.errors import ImageFileMissing
from estate.errors import AskPerson, EdgeError
from estate.tls import READ_TIMEOUT_S, PinnedHTTPSConnection, host_and_port, line_error
from estate.vsphere.errors import SessionExpired, http_status_error
from estate.vsphere.session import VsphereSession

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_VOLUMES = "/vmfs/volumes/"
_REFUSED = (http.client.FORBIDDEN,)
_MISSING = (http.client.NOT_FOUND, http.client.GONE)


class DatastoreFolder:
    """The files of one datastore. Implements `estate.disks.ports.ImageFolder`; names are paths inside the datastore.

    `datacenter_path` is the inventory path from the root folder (`Folder/DC1`; `ha-datacenter` on ESXi). `volume_ids` are
    other names under which absolute paths may mean this datastore (its UUID).
    """

    def __init__(
        self,
        session: VsphereSession,
        datacenter_path: str,
        datastore: str,
        *,
        volume_ids: frozenset[str] = frozenset(),
        timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._session = session
        self._query = urlencode({"dcPath": datacenter_path, "dsName": datastore}, quote_via=quote)
        self._datastore = datastore
        self._volumes = volume_ids | {datastore}
        self._timeout_s = timeout_s

    def open(self, name: str, /) -> DatastoreFile:
        """A file of the datastore.

        Raises:
            ImageFileMissing: there is none, or its path leads to another datastore.
            AskPerson: it may not be read (`datastore_refused`), or ranges are ignored (`range_ignored`).
            Retry: the server does not answer properly.
        """
        target = f"/folder/{quote(self._inside(name))}?{self._query}"
        return DatastoreFile(self._session, target, f"[{self._datastore}] {name}", timeout_s=self._timeout_s)

    def _inside(self, name: str) -> str:
        path = name
        if name.startswith(_VOLUMES):
            volume, _, path = name[len(_VOLUMES) :].partition("/")
            if volume not in self._volumes:
                raise ImageFileMissing(name, f"it lies on another datastore than {self._datastore}")
        path = posixpath.normpath(path)
        if path.startswith(("/", "..")) or path == ".":
            raise ImageFileMissing(name, f"its path leads out of the datastore {self._datastore}")
        return path


class DatastoreFile:
    """One file. Implements `estate.disks.ports.RandomReader`: each thread that reads has a connection of its own.

    A session that expired is logged in again once.
    """

    def __init__(self, session: VsphereSession, target: str, name: str, *, timeout_s: float) -> None:
        self.name = name
        self._session = session
        self._target = target
        self._timeout_s = timeout_s
        self._where = f"{session.where}, {name}"
        self._idle: queue.SimpleQueue[PinnedHTTPSConnection] = queue.SimpleQueue()
        self._busy: set[PinnedHTTPSConnection] = set()
        self._closed = False
        self.size_bytes = 0
        self.size_bytes = self._read(0, memoryview(bytearray(1)))

    def read_into(self, offset_bytes: int, room: memoryview, /) -> None:
        """Fill the whole room by one request. Raises: see `DatastoreFolder.open`; Retry when the line breaks."""
        if len(room) and self._read(offset_bytes, room) != self.size_bytes:
            raise self._changed()

    def data_ranges(self, start: int, end: int, /) -> Iterator[tuple[int, int]]:
        """Everything: a server tells no holes. Changed block tracking knows which areas are in use."""
        if start < end:
            yield start, end

    def close(self) -> None:
        """Drop the connections. A read that waits in another thread ends at once."""
        self._closed = True
        for line in list(self._busy):
            sock = line.sock
            if sock is not None:  # else it is not connected yet, and its reader sees that the file is closed
                with suppress(OSError):  # the other side was faster
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _read(self, offset_bytes: int, room: memoryview) -> int:
        """Fill the room; gives the size of the file as the answer told it."""
        seen = self._session.logins
        try:
            return self._asked(offset_bytes, room)
        except SessionExpired:
            self._session.login_again(seen=seen)
        return self._asked(offset_bytes, room)

    def _asked(self, offset_bytes: int, room: memoryview) -> int:
        line, used = self._line()
        try:
            return self._exchanged(line, offset_bytes, room)
        except (OSError, http.client.HTTPException) as error:
            # A server may drop a connection that idled; on a fresh one the same request is as good as new.
            if not used or self._closed:
                raise line_error(error, where=self._where) from error
        try:
            return self._exchanged(self._fresh_line(), offset_bytes, room)
        except (OSError, http.client.HTTPException) as error:
            raise line_error(error, where=self._where) from error

    def _exchanged(self, line: PinnedHTTPSConnection, offset_bytes: int, room: memoryview) -> int:
        """One request; afterwards the line is kept if it can be used again, and closed if not."""
        self._busy.add(line)
        try:
            size_bytes = self._exchange(line, offset_bytes, room)
        except BaseException:
            line.close()
            raise
        finally:
            self._busy.discard(line)
        if self._closed:
            line.close()
        else:
            self._idle.put(line)
        return size_bytes

    def _line(self) -> tuple[PinnedHTTPSConnection, bool]:
        try:
            return self._idle.get_nowait(), True
        except queue.Empty:
            return self._fresh_line(), False

    def _fresh_line(self) -> PinnedHTTPSConnection:
        connection = self._session.connection
        host, port = host_and_port(connection.url)
        return PinnedHTTPSConnection(host, port, pins=connection.pins, timeout_s=self._timeout_s, where=self._where)

    def _exchange(self, line: PinnedHTTPSConnection, offset_bytes: int, room: memoryview) -> int:
        last = offset_bytes + len(room) - 1
        headers = {"Cookie": self._session.stub.cookie, "Range": f"bytes={offset_bytes}-{last}", "Accept-Encoding": "identity"}
        line.request("GET", self._target, headers=headers)
        if self._closed:
            raise ConnectionAbortedError("the file was closed on this side")
        answer = line.getresponse()
        if answer.status != http.client.PARTIAL_CONTENT:
            raise self._refused(answer.status, answer.reason)
        told = _CONTENT_RANGE.fullmatch(answer.getheader("Content-Range", ""))
        if not told or (int(told[1]), int(told[2])) != (offset_bytes, last):
            raise self._ignored("it answered with another part of the file than was asked for")
        while len(room):
            got = answer.readinto(room)
            if not got:
                raise http.client.IncompleteRead(b"", len(room))
            room = room[got:]
        if answer.read(1):  # reads the end of a chunked body too, so that the connection can be used again
            raise self._ignored("it answered with more bytes than were asked for")
        return int(told[3])

    def _refused(self, status: int, reason: str) -> EdgeError:
        if status == http.client.OK:
            return self._ignored("it answered with the whole file where a part was asked for")
        if status == http.client.UNAUTHORIZED:
            return SessionExpired(f"{self._where}: the session is no longer known", where=self._where)
        if status in _MISSING:
            return ImageFileMissing(self.name, f"{self._session.where} has no such file")
        if status == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return self._changed() if self.size_bytes else ImageFileMissing(self.name, "it is empty")
        if status in _REFUSED:
            return AskPerson(
                f"{self._where}: the server does not let this file be read ({status} {reason})",
                code="datastore_refused",
                next_step="Give the account Datastore.Browse and Datastore.FileManagement on it, and check for a lock.",
                where=self._where,
            )
        return http_status_error(status, reason, where=self._where)

    def _ignored(self, what: str) -> AskPerson:
        return AskPerson(
            f"{self._where}: the server ignores ranges: {what}",
            code="range_ignored",
            next_step="Check for a proxy between this machine and the server; read the disk by an export instead.",
            where=self._where,
        )

    def _changed(self) -> AskPerson:
        return AskPerson(
            f"{self._where}: the file's size changed while it was read",
            code="datastore_file_changed",
            next_step="Somebody writes to it. Power the machine off or take a snapshot, then read it again.",
            where=self._where,
        )
