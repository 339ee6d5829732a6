"""A file that gets its name only once it is whole: what every file sink writes through. Knows no disk format."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from estate.disks.errors import TargetExists, TargetFailed, TargetFull

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""EFBIG: the file system (FAT32, a limit of the process) holds no file that large, which to a person is the same."""

_HERE, _NO_REPLACE = -100, 1
"""AT_FDCWD and RENAME_NOREPLACE of Linux."""


class TargetFile:
    """A file under `path`, written beside it as `.<name>.<random>.part` until `keep()`.

    Parts never written read as zeros. `sync` has `keep()` wait until the bytes are on the medium.

    Raises:
        TargetExists: something has that name already; it is not touched.
        TargetFull: the file system is full.
        TargetFailed: the system refuses for another reason.
    """

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        self.path = path
        self._sync = sync
        require_free(path)
        with _translated(self.path):
            descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        self._part = Path(part)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)

    def write_at(self, offset_bytes: int, content: bytes | bytearray | memoryview) -> None:
        """Write all of it."""
        rest = memoryview(content)
        with _translated(self.path):
            self._file.seek(offset_bytes)
            while len(rest):
                rest = rest[self._file.write(rest) :]

    def read_at(self, offset_bytes: int, length: int) -> bytes:
        """What was written there; shorter behind the end."""
        with _translated(self.path):
            self._file.seek(offset_bytes)
            return self._file.read(length) or b""

    def set_length(self, length: int) -> None:
        """Cut or extend the file; what is added reads as zeros and takes no room where the file system knows holes."""
        with _translated(self.path):
            self._file.truncate(length)

    def keep(self) -> None:
        """Give the file its name. What was synced is forgotten by the kernel, so that who reads it back reads the medium."""
        with _translated(self.path):
            if self._sync:
                os.fsync(self._file.fileno())
                if hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self._file.close()
        give_name(self._part, self.path, sync=self._sync)

    def drop(self) -> None:
        """Remove what was written; safe to call at any time."""
        with contextlib.suppress(OSError):  # a medium that went away takes the part along
            self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)


def require_free(path: Path) -> None:
    """Raises: TargetExists when something has that name, be it a link that leads nowhere; TargetFailed when nothing can."""
    with _translated(path):
        taken = path.exists() or path.is_symlink()
    if taken:
        raise TargetExists(str(path))


def give_name(part: Path, path: Path, *, sync: bool = True) -> None:
    """Give a finished file its name, in the same folder, unless something has it: nothing is ever replaced.

    Raises: TargetExists, TargetFailed; the file keeps its old name then.
    """
    with _translated(path):
        try:
            _take_name(part, path)
        except FileExistsError as error:
            raise TargetExists(str(path)) from error
        try:
            if sync:
                _sync_directory(path.parent)
        except OSError:
            path.rename(part)
            raise


def _take_name(part: Path, path: Path) -> None:
    """A link refuses a name that is taken, in one step with taking it; renaming would replace what came there just now.

    On a file system without links (FAT, some network folders) the system may rename as strictly. Where it does not, a new file
    is made that strictly: that one, being ours, is replaced; it stays, empty, if the machine dies just there.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        if not _renamed_strictly(part, path):
            _replace_our_own(part, path)
    else:
        part.unlink()


def _renamed_strictly(part: Path, path: Path) -> bool:
    """Rename in one step with looking; False where that cannot be had. Raises: FileExistsError.

    Source: renameat2(2); Python's os.rename, which on Windows never replaces.
    """
    if os.name == "nt":
        part.rename(path)
        return True
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    failed = rename(_HERE, os.fsencode(part), _HERE, os.fsencode(path), _NO_REPLACE)
    if failed and ctypes.get_errno() == errno.EEXIST:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return not failed


def _replace_our_own(part: Path, path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        part.replace(path)
    except OSError:
        path.unlink()
        raise


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise TargetFull(str(path), error.strerror or "") from error
        raise TargetFailed(str(path), error.strerror or type(error).__name__) from error


def _sync_directory(directory: Path) -> None:
    """Make a rename durable; Windows cannot open a directory, and does so by itself."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
