"""The members of a tar archive by offset, read from its headers alone; contents stay where they are.

Source: POSIX ustar and pax, with GNU's long names and base-256 sizes. Everything an OVA does not need is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from estate.ova.errors import MemberUnsafe, PackageNotReadable

BLOCK_BYTES = 512
MAX_MEMBERS = 4096
MAX_EXTENSION_BYTES = 64 << 10

_FILES = frozenset(b"\x000" + b"7")
_KINDS = {ord("1"): "hard link", ord("2"): "symbolic link", ord("3"): "device", ord("4"): "device", ord("6"): "pipe"}


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    offset_bytes: int
    size_bytes: int


@dataclass(slots=True)
class _Extension:
    """What a pax or GNU header says of the member behind it."""

    name: str = ""
    size_bytes: int | None = None


def members(archive: BinaryIO, archive_bytes: int, where: str) -> dict[str, Member]:
    """Every regular file of the archive by name, in archive order.

    Raises:
        PackageNotReadable: cut off or not a tar archive.
        MemberUnsafe: a link, device, sparse file, doubled name, or a name that leaves the folder.
    """
    found: dict[str, Member] = {}
    for member in _walk(archive, archive_bytes, where):
        if member.name in found:
            raise MemberUnsafe(f"The archive holds {member.name!r} twice", where=where)
        if len(found) == MAX_MEMBERS:
            raise MemberUnsafe(f"The archive holds more than {MAX_MEMBERS} files", where=where)
        found[member.name] = member
    return found


def _walk(archive: BinaryIO, archive_bytes: int, where: str) -> Iterator[Member]:
    position, extension, headers = 0, _Extension(), 0
    while True:
        header = _read_at(archive, position, BLOCK_BYTES, where)
        if not any(header):
            return
        headers += 1
        if headers > 4 * MAX_MEMBERS:
            raise MemberUnsafe(f"The archive holds more than {4 * MAX_MEMBERS} headers", where=where)
        _check_sum(header, position, where)
        kind, data_at = header[156], position + BLOCK_BYTES
        size = _number(header[124:136], position, where)
        if kind in _FILES and extension.size_bytes is not None:
            size = extension.size_bytes
        position = data_at + -(-size // BLOCK_BYTES) * BLOCK_BYTES
        if data_at + size > archive_bytes:
            raise PackageNotReadable(
                f"The archive is cut off: a member ends at byte {data_at + size} of {archive_bytes}", where=where
            )
        if kind in b"xL":
            _extend(extension, kind, _extension_bytes(archive, data_at, size, where), where)
        elif kind in _FILES:
            yield Member(_safe(extension.name or _header_name(header), where), data_at, size)
            extension = _Extension()
        elif kind not in b"g5":
            raise MemberUnsafe(f"The archive holds a {_KINDS.get(kind, 'member of an unknown kind')}", where=where)


def _read_at(archive: BinaryIO, position: int, size: int, where: str) -> bytes:
    archive.seek(position)
    read = archive.read(size)
    if len(read) < size:
        raise PackageNotReadable(f"The archive is cut off at byte {position + len(read)}", where=where)
    return read


def _extension_bytes(archive: BinaryIO, position: int, size: int, where: str) -> bytes:
    if size > MAX_EXTENSION_BYTES:
        raise MemberUnsafe(f"The archive holds a header extension of {size} bytes", where=where)
    return _read_at(archive, position, size, where)


def _check_sum(header: bytes, position: int, where: str) -> None:
    told = _number(header[148:156], position, where)
    if told != sum(header) - sum(header[148:156]) + 8 * ord(" "):
        raise PackageNotReadable(f"The archive has no valid tar header at byte {position}", where=where)


def _number(field: bytes, position: int, where: str) -> int:
    """Octal text, or GNU's base-256 for what does not fit."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits and not all(ord("0") <= digit <= ord("7") for digit in digits):
        raise PackageNotReadable(f"The archive has no valid tar header at byte {position}", where=where)
    return int(digits or b"0", 8)


def _extend(extension: _Extension, kind: int, content: bytes, where: str) -> None:
    if kind == ord("L"):
        extension.name = content.rstrip(b"\0").decode("utf-8", "replace")
        return
    for key, value in _pax_records(content, where):
        if key.startswith("GNU.sparse"):
            raise MemberUnsafe("The archive holds a sparse file", where=where)
        if key == "path":
            extension.name = value
        elif key == "size":
            if not (value.isascii() and value.isdigit() and len(value) < 20):
                raise PackageNotReadable("The archive has a pax header with a size that is no number", where=where)
            extension.size_bytes = int(value)


def _pax_records(content: bytes, where: str) -> Iterator[tuple[str, str]]:
    while content.strip(b"\0"):
        length_text, _, _ = content.partition(b" ")
        length = int(length_text) if length_text.isdigit() and len(length_text) < 7 else 0
        record = content[len(length_text) + 1 : length]
        if length > len(content) or not record.endswith(b"\n") or b"=" not in record:
            raise PackageNotReadable("The archive has a broken pax header", where=where)
        key, _, value = record[:-1].partition(b"=")
        yield key.decode("utf-8", "replace"), value.decode("utf-8", "replace")
        content = content[length:]


def _header_name(header: bytes) -> str:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def _safe(name: str, where: str) -> str:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or any(ord(letter) < 32 for letter in name):
        raise MemberUnsafe(f"The archive holds a file named {name[:200]!r}", where=where)
    return str(path)
