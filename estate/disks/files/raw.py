"""A raw disk in a sparse file: each byte at its own offset, holes where the disk is zero."""

from __future__ import annotations

from pathlib import Path

from estate.disks.files.target import TargetFile


class RawSink:
    """Writes a disk of `capacity_bytes` to a new file. Implements `estate.disks.ports.VdiSink`.

    Raises: what `TargetFile` does. A file under `path` is there only after `finish()`.
    """

    zero_fill = False

    def __init__(self, path: Path, capacity_bytes: int, *, sync: bool = True) -> None:
        self._file = TargetFile(path, sync=sync)
        try:
            self._file.set_length(capacity_bytes)
        except BaseException:
            self._file.drop()
            raise

    def write(self, offset_bytes: int, data: memoryview | bytes) -> None:
        """Write at this offset of the disk."""
        self._file.write_at(offset_bytes, data)

    def finish(self) -> None:
        """Give the file its name."""
        self._file.keep()

    def abort(self) -> None:
        """Remove what was written."""
        self._file.drop()
