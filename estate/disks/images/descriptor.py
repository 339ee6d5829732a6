"""The text that says what a VMDK consists of: kind, extents, content ids. Text in, values out; no file is opened here.

Source: VMware "Virtual Disk Format 5.0".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from estate.disks.errors import ImageKindRefused, ImageMalformed
from estate.disks.images.layers import MAX_CAPACITY_BYTES, SECTOR_BYTES

MOST_BYTES = 64 << 10
"""A descriptor is under 1 KiB; a disk of 2 GB parts has some hundred lines."""
NO_PARENT = 0xFFFF_FFFF
_MOST_EXTENTS = 4096
_ENCODING = re.compile(rb'^\s*encoding\s*=\s*"([\w.:-]{1,40})"', re.MULTILINE)
_FIRST_LINE = "# Disk DescriptorFile"
_ENTRY = re.compile(r'(CID|parentCID|createType|parentFileNameHint|ddb\.iofilters|encryption\.\w+)\s*=\s*"?([^"]*)"?')
_EXTENT = re.compile(r'(RW|RDONLY|NOACCESS)\s+(\d{1,20})\s+([A-Z]+)(?:\s+"([^"]*)")?(?:\s+(\d{1,20}))?(?:\s.*)?')


@dataclass(frozen=True, slots=True)
class ExtentLine:
    """One line of the extent list; `offset_bytes` says where in a FLAT file it begins."""

    length_bytes: int
    kind: str
    file_name: str
    offset_bytes: int
    line_at: int


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a descriptor says. `parent_cid` is None for a disk without a parent."""

    create_type: str
    cid: int
    parent_cid: int | None
    parent_name: str
    extents: tuple[ExtentLine, ...]


def parse(content: bytes, name: str, *, embedded: bool = False) -> Descriptor:
    """Read a descriptor; NULs behind its text are padding. `name` is the file's, for messages.

    One that is `embedded` in a sparse file ends at its first NUL, for qemu-img leaves pieces of an older, longer text behind
    that: what is lost there is noticed, because its extents have to be those of the file's own header. Nothing would notice
    lines that are lost in a text that stands alone, so it may have no NUL before the padding.

    Raises:
        ImageMalformed: it is none, or says something that cannot be.
        ImageKindRefused: a filter stands between the disk and its files, or they are encrypted.
    """
    before, _, behind = content.partition(b"\0")
    if not embedded and behind.strip(b"\0"):
        raise ImageMalformed(name, len(before), "it is no VMDK descriptor: a NUL stands in the middle of its text")
    text = _decoded(before, name)
    if not text.lstrip("\ufeff").startswith(_FIRST_LINE):
        raise ImageMalformed(name, 0, "it is no VMDK descriptor")
    entries: dict[str, str] = {}
    extents: list[ExtentLine] = []
    at = 0
    for line in text.split("\n"):
        _take_line(line.strip(), at, name, entries, extents)
        at += len(line.encode()) + 1
    _refuse_filtered(entries, name)
    if not extents or sum(extent.length_bytes for extent in extents) > MAX_CAPACITY_BYTES:
        raise ImageMalformed(name, 0, "its extents make no disk of a size that can be")
    parent = _content_id(entries, "parentCID", name)
    return Descriptor(
        create_type=entries.get("createType", ""),
        cid=_content_id(entries, "CID", name),
        parent_cid=None if parent == NO_PARENT else parent,
        parent_name=entries.get("parentFileNameHint", ""),
        extents=tuple(extents),
    )


def _decoded(content: bytes, name: str) -> str:
    """Names of files may be in the code page of the machine that wrote them, which the text then names."""
    told = _ENCODING.search(content)
    try:
        return content.decode(told[1].decode() if told else "utf-8", errors="replace")
    except LookupError as error:
        raise ImageKindRefused(name, f"it is written in an encoding that is not known ({error})") from error


def _refuse_filtered(entries: dict[str, str], name: str) -> None:
    """The bytes in the files of such a disk are not the disk's: they would be copied and verified, and be worthless."""
    if filters := entries.get("ddb.iofilters"):
        raise ImageKindRefused(name, f"the I/O filter {filters} encrypts it, or holds a part of it elsewhere")
    if any(key.startswith("encryption.") for key in entries):
        raise ImageKindRefused(name, "it is encrypted")


def _take_line(line: str, at: int, name: str, entries: dict[str, str], extents: list[ExtentLine]) -> None:
    if found := _ENTRY.fullmatch(line):
        if found[1] in entries:
            raise ImageMalformed(name, at, f"it says {found[1]} twice")
        entries[found[1]] = found[2]
    elif line.startswith(("RW ", "RDONLY ", "NOACCESS ", "RW\t")):
        extents.append(_extent(line, at, name))
        if len(extents) > _MOST_EXTENTS:
            raise ImageMalformed(name, at, f"it has more than {_MOST_EXTENTS} extents")


def _extent(line: str, at: int, name: str) -> ExtentLine:
    found = _EXTENT.fullmatch(line)
    if not found:
        raise ImageMalformed(name, at, "a line of its extent list cannot be read")
    sectors, offset = int(found[2]), int(found[5] or 0)
    if not 0 < sectors <= MAX_CAPACITY_BYTES // SECTOR_BYTES or offset > MAX_CAPACITY_BYTES // SECTOR_BYTES:
        raise ImageMalformed(name, at, f"an extent claims {sectors} sectors from sector {offset} on")
    kind = found[3] if found[1] != "NOACCESS" else "NOACCESS"
    return ExtentLine(sectors * SECTOR_BYTES, kind, found[4] or "", offset * SECTOR_BYTES, at)


def _content_id(entries: dict[str, str], key: str, name: str) -> int:
    told = entries.get(key, "ffffffff" if key == "parentCID" else "")
    if not re.fullmatch(r"[0-9a-fA-F]{1,8}", told):
        raise ImageMalformed(name, 0, f"its {key} is no content id")
    return int(told, 16)
