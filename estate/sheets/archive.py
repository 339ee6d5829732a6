"""The gate before an archive is parsed: a zip within its bounds, every XML part streamed through once and looked at.

Sizes are counted while inflating, since an archive may lie about them. What is looked for: document types, encodings that
hide them, formulas. Nothing is kept but the places of formulas.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from estate.sheets.errors import WorkbookNotReadable, WorkbookTooLarge, WorkbookUnsafe
from estate.sheets.sheet import Limits

CHUNK_BYTES = 1 << 20
_KEEP_BYTES = 4096
_DIRECTORY_BYTES = 4 << 20
_RATIO_FROM_BYTES = 8 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKING = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_ROOT = re.compile(rb"<[A-Za-z_]")
_NUL = re.compile(rb"_[xX]0000_|&#[xX]?0+;|\0")
_NUL_STARTS = (b"_x0000_", b"_X0000_", b"&#0", b"&#x0", b"&#X0", b"\0")
_FORMULA = re.compile(rb"<f[\s>/]")
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3}\d{1,7})["']""")


@dataclass(slots=True)
class _Meter:
    """Counts what was inflated in all parts of one file."""

    limits: Limits
    name: str
    inflated_bytes: int = 0

    def add(self, count: int) -> None:
        self.inflated_bytes += count
        if self.inflated_bytes > self.limits.inflated_bytes:
            raise WorkbookTooLarge(
                f"{self.name} unpacks to more than {self.limits.inflated_bytes >> 20} MiB, which is the most that is read",
                where=self.name,
            )


def check_file(path: Path, limits: Limits) -> None:
    """Kind, size and directory of the file, before anything unpacks it.

    Raises: WorkbookNotReadable, WorkbookTooLarge.
    """
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
            directory_bytes = _directory_bytes(file, size_bytes)
    except OSError as error:
        raise WorkbookNotReadable(f"{path.name} cannot be opened: {error.strerror}", where=path.name) from error
    if head.startswith(_OLE):
        raise WorkbookNotReadable(f"{path.name} is an old .xls or a workbook with a password; neither is read", where=path.name)
    if size_bytes > limits.file_bytes or directory_bytes > _DIRECTORY_BYTES:
        raise WorkbookTooLarge(f"{path.name} is larger than what is read ({limits.file_bytes >> 20} MiB)", where=path.name)


def _directory_bytes(file: BinaryIO, size_bytes: int) -> int:
    """Size of the zip directory, which is held in memory once the archive is opened; 0 when there is none."""
    file.seek(max(0, size_bytes - 66_000))
    tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 16:
        return 0
    (found,) = struct.unpack_from("<L", tail, end + 12)
    if end >= 76 and tail[end - 20 : end - 16] == b"PK\x06\x07":
        (found,) = struct.unpack_from("<Q", tail, end - 76 + 40)
    return int(found)


def open_archive(path: Path, limits: Limits) -> zipfile.ZipFile:
    """The archive, with names, packing and claimed sizes of its members checked.

    Raises: WorkbookNotReadable, WorkbookTooLarge, WorkbookUnsafe.
    """
    check_file(path, limits)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise WorkbookNotReadable(f"{path.name} is no workbook and no zip: {error}", where=path.name) from error
    try:
        _check_members(archive.infolist(), path.name, limits)
    except BaseException:
        archive.close()
        raise
    return archive


def _check_members(members: list[zipfile.ZipInfo], name: str, limits: Limits) -> None:
    if len(members) > limits.parts:
        raise WorkbookTooLarge(f"{name} has {len(members)} parts; at most {limits.parts} are read", where=name)
    if len({member.filename.lower() for member in members}) != len(members):
        raise WorkbookUnsafe(f"{name} has two parts of the same name", where=name)
    meter = _Meter(limits, name)
    for member in members:
        if member.flag_bits & _ENCRYPTED:
            raise WorkbookNotReadable(f"{name} is encrypted; give it without a password", where=name)
        if member.compress_type not in _PACKING:
            raise WorkbookNotReadable(f"{name}: {member.filename} is packed in a way that is not read", where=name)
        meter.add(member.file_size)
        _check_ratio(member.file_size, member, name, limits)


def _check_ratio(inflated_bytes: int, member: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    if inflated_bytes > _RATIO_FROM_BYTES and inflated_bytes > limits.ratio * max(1, member.compress_size):
        raise WorkbookTooLarge(f"{name}: {member.filename} unpacks to more than {limits.ratio} times its size", where=name)


def chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, limits: Limits) -> Iterator[bytes]:
    """The member's bytes as they unpack, bounded as they come.

    Raises: WorkbookNotReadable for damage, WorkbookTooLarge.
    """
    inflated_bytes = 0
    try:
        with archive.open(member) as file:
            while chunk := file.read(CHUNK_BYTES):
                inflated_bytes += len(chunk)
                _check_ratio(inflated_bytes, member, name, limits)
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, struct.error) as error:
        raise WorkbookNotReadable(f"{name}: {member.filename} is damaged: {error}", where=name) from error


def formulas(archive: zipfile.ZipFile, name: str, limits: Limits) -> dict[str, str]:
    """Look through every XML part; answers the cell of the first formula by part, for the parts that have one.

    Raises: WorkbookNotReadable, WorkbookTooLarge, WorkbookUnsafe.
    """
    meter, found = _Meter(limits, name), {}
    for member in archive.infolist():
        if member.filename.lower().endswith((".xml", ".rels")):
            cell = _look_through(archive, member, meter)
            if cell is not None:
                found[member.filename] = cell
    return found


def _look_through(archive: zipfile.ZipFile, member: zipfile.ZipInfo, meter: _Meter) -> str | None:
    limits, total_bytes, kept, cell = meter.limits, 0, b"", None
    strings, sheet = "sharedstrings" in member.filename.lower(), "worksheets/" in member.filename.lower()
    for number, chunk in enumerate(chunks(archive, member, meter.name, limits)):
        meter.add(len(chunk))
        total_bytes += len(chunk)
        if strings and total_bytes > limits.shared_strings_bytes:
            most_mib = limits.shared_strings_bytes >> 20
            raise WorkbookTooLarge(
                f"{meter.name} has more than {most_mib} MiB of texts ({member.filename})", where=member.filename
            )
        if number == 0:
            _check_head(chunk, member.filename, meter.name)
        seen, kept = kept + chunk, chunk[-_KEEP_BYTES:]
        _check_nul(seen, member.filename, meter.name)
        if sheet and cell is None:
            cell = _formula_cell(seen)
    return cell


def _check_nul(text: bytes, part: str, name: str) -> None:
    """A NUL, however it is spelled: databases cannot hold it, and no program writes it."""
    if any(spelled in text for spelled in _NUL_STARTS) and _NUL.search(text):
        raise WorkbookUnsafe(f"{name}: {part} has a text with a NUL character", where=f"{name}: {part}")


def _check_head(head: bytes, part: str, name: str) -> None:
    """A document type can only stand before the first element."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:_KEEP_BYTES]:
        raise WorkbookNotReadable(f"{name}: {part} is not in UTF-8", where=name)
    root = _ROOT.search(head)
    prolog = head[: root.start()] if root else head
    if b"<!DOCTYPE" in prolog or b"<!ENTITY" in prolog:
        raise WorkbookUnsafe(f"{name}: {part} declares a document type or entities", where=f"{name}: {part}")
    if root is None:
        raise WorkbookNotReadable(f"{name}: {part} does not begin with an element", where=name)


def _formula_cell(text: bytes) -> str | None:
    """The cell of the first formula in a piece of a sheet; empty when it does not tell."""
    found = _FORMULA.search(text)
    if found is None:
        return None
    cells = _CELL.findall(text, max(0, found.start() - _KEEP_BYTES), found.start())
    return cells[-1].decode() if cells else ""
