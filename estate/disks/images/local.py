"""Files of this machine as places of disk images. A descriptor may name files beside it or below, never elsewhere."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from estate.disks.errors import ImageFileMissing, ImageReadFailed

_HAS_PREAD = hasattr(os, "preadv")
_HAS_HOLES = hasattr(os, "SEEK_DATA")


class LocalFile:
    """A file of this machine. Implements `estate.disks.ports.RandomReader`.

    Raises: ImageFileMissing, ImageReadFailed.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._file = path.open("rb", buffering=0)
            self.size_bytes = self._file.seek(0, os.SEEK_END)
        except OSError as error:
            raise ImageFileMissing(str(path), error.strerror or "it cannot be opened") from error
        self._lock = threading.Lock()

    def read_into(self, offset_bytes: int, room: memoryview, /) -> None:
        """Fill the whole room."""
        while len(room):
            try:
                got = self._read(offset_bytes, room)
            except (OSError, ValueError) as error:  # ValueError: closed by another thread
                raise ImageReadFailed(self.name, offset_bytes, str(error)) from error
            if not got:
                raise ImageReadFailed(self.name, offset_bytes, "the file ends there")
            offset_bytes += got
            room = room[got:]

    def data_ranges(self, start: int, end: int, /) -> Iterator[tuple[int, int]]:
        """What the file system has no holes for."""
        if not _HAS_HOLES:
            yield start, end
            return
        while start < end:
            found = self._next_data(start)
            if found is None or found[0] >= end:
                return
            low, high = max(start, found[0]), min(end, found[1])
            yield low, high
            start = high

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _read(self, offset_bytes: int, room: memoryview) -> int:
        if _HAS_PREAD:
            return os.preadv(self._file.fileno(), [room], offset_bytes)
        with self._lock:
            self._file.seek(offset_bytes)
            return self._file.readinto(room) or 0

    def _next_data(self, start: int) -> tuple[int, int] | None:
        with self._lock:
            try:
                low = self._file.seek(start, os.SEEK_DATA)
                return low, self._file.seek(low, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return None
                return start, self.size_bytes  # a file system that knows no holes


class LocalFolder:
    """The files below one folder. Implements `estate.disks.ports.ImageFolder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def open(self, name: str, /) -> LocalFile:
        """The file of this name.

        Raises:
            ImageFileMissing: there is none, or the name leads out of the folder.
        """
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise ImageFileMissing(name, "its name leads out of the folder that the disk lies in")
        if not path.is_file():
            raise ImageFileMissing(name, "there is no such file beside the disk")
        return LocalFile(path)
