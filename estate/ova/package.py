"""One OVF package, folder or archive, as named files that can be opened; a folder's files never lead out of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from estate.ova import tar
from estate.ova.errors import DescriptorInvalid, PackageNotReadable


class MemberStream:
    """The bytes of one member, front to back. Implements `estate.disks.ports.ByteStream`."""

    def __init__(self, path: Path, offset_bytes: int, size_bytes: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._file.seek(offset_bytes)
        self._left_bytes = size_bytes

    def readinto(self, buffer: memoryview, /) -> int | None:
        if self._left_bytes <= 0:
            return 0
        read = self._file.readinto(buffer[: self._left_bytes]) or 0
        self._left_bytes -= read
        return read

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bytes of one file of the package are."""

    path: Path
    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Package:
    """`descriptor` is the name of the one .ovf file; `files` holds it and everything beside it."""

    name: str
    descriptor: str
    files: dict[str, Place]

    def beside(self, suffix: str) -> str | None:
        """The file that belongs to the descriptor by name, such as its `.mf` or `.cert`."""
        wanted = self.descriptor.rpartition(".")[0] + suffix
        return wanted if wanted in self.files else None

    def stream(self, name: str) -> MemberStream:
        """Raises PackageNotReadable when there is no such file."""
        place = self.files.get(name)
        if place is None:
            raise PackageNotReadable(f"The package does not contain {name[:200]!r}", where=self.name)
        try:
            return MemberStream(place.path, place.offset_bytes, place.size_bytes)
        except OSError as error:
            raise PackageNotReadable(f"{name} cannot be read: {error.strerror}", where=self.name) from None

    def content(self, name: str, most_bytes: int) -> bytes:
        """A small file whole. Raises DescriptorInvalid when it is longer than `most_bytes`."""
        place = self.files[name]
        if place.size_bytes > most_bytes:
            raise DescriptorInvalid(f"{name} is {place.size_bytes} bytes long, at most {most_bytes} are read", where=self.name)
        stream, buffer = self.stream(name), bytearray(place.size_bytes)
        try:
            filled = 0
            while read := stream.readinto(memoryview(buffer)[filled:]):
                filled += read
        except OSError as error:
            raise PackageNotReadable(f"{name} cannot be read: {error.strerror}", where=self.name) from None
        finally:
            stream.close()
        return bytes(buffer[:filled])

    def identity(self, names: Iterable[str]) -> str:
        """Changes when one of these files was replaced or vanished: names, sizes, times of change. Raises PackageNotReadable."""
        wanted = sorted(set(names))
        paths = {self.files[name].path for name in wanted if name in self.files}
        missing = [f"{name}:missing" for name in wanted if name not in self.files]
        try:
            stats = [(path.name, path.stat()) for path in sorted(paths)]
        except OSError as error:
            raise PackageNotReadable(f"The package cannot be read: {error.strerror}", where=self.name) from None
        return ";".join([*(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in stats), *missing])


def open_package(path: Path) -> Package:
    """The package at `path`: a folder with one .ovf, an .ovf among its files, or an .ova archive.

    Raises:
        PackageNotReadable, MemberUnsafe: see `estate.ova.tar`; also when there is no descriptor, or more than one.
    """
    try:
        files = _files_of(path)
    except OSError as error:
        raise PackageNotReadable(f"The package cannot be read: {error.strerror}", where=path.name) from None
    named = path.name if path.suffix.lower() == ".ovf" else None
    descriptors = [name for name in files if PurePosixPath(name).suffix.lower() == ".ovf" and name == (named or name)]
    if len(descriptors) != 1:
        raise PackageNotReadable(f"A package has one .ovf descriptor, this one has {len(descriptors)}", where=path.name)
    return Package(path.name, descriptors[0], files)


def _files_of(path: Path) -> dict[str, Place]:
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() == ".ovf":
        return _folder(path.parent)
    size_bytes = path.stat().st_size
    with path.open("rb") as archive:
        found = tar.members(archive, size_bytes, path.name)
    return {name: Place(path, member.offset_bytes, member.size_bytes) for name, member in found.items()}


def _folder(folder: Path) -> dict[str, Place]:
    with os.scandir(folder) as entries:
        regular = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
    return {entry.name: Place(Path(entry.path), 0, entry.stat(follow_symlinks=False).st_size) for entry in regular}
