"""Writers of the files that snapshots and hosted products keep disks in: hosted sparse, COWD, SESPARSE, and their descriptors.

A disk is given as its grains: number -> bytes, or None for a grain known to be zero. Readers live in the product, never here.

Source: VMware "Virtual Disk Format 5.0"; for SESPARSE, which VMware does not describe, what qemu's reader accepts.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

SECTOR_BYTES = 512
Grains = Mapping[int, bytes | None]


def descriptor_text(
    extents: list[str], *, create_type: str, cid: int, parent_cid: int = 0xFFFFFFFF, parent_name: str = ""
) -> bytes:
    """A descriptor; `extents` are whole lines such as `RW 8192 VMFS "a-flat.vmdk"`."""
    lines = [
        "# Disk DescriptorFile",
        "version=1",
        f"CID={cid:08x}",
        f"parentCID={parent_cid:08x}",
        f'createType="{create_type}"',
        *([f'parentFileNameHint="{parent_name}"'] if parent_name else []),
        "# Extent description",
        *extents,
        "# The Disk Data Base",
        "#DDB",
        'ddb.adapterType = "lsilogic"',
        "",
    ]
    return "\n".join(lines).encode()


def write_hosted(path: Path, capacity_sectors: int, grains: Grains, *, grain_sectors: int = 128, descriptor: bytes = b"") -> None:
    """A sparse file of a hosted product, with a descriptor inside when one is given; grains of zeros get the entry 1."""
    tables_needed = -(-capacity_sectors // (grain_sectors * 512))
    directory_at = 21
    tables_at = directory_at + _sectors(tables_needed * 4)
    directory = [tables_at + number * 4 for number in range(tables_needed)]
    data_at = _up(tables_at + tables_needed * 4, grain_sectors)
    tables = [0] * (tables_needed * 512)
    with path.open("wb") as out:
        for place, (number, content) in enumerate(_stored(grains)):
            tables[number] = data_at + place * grain_sectors
            _put(out, tables[number], content.ljust(grain_sectors * SECTOR_BYTES, b"\0"))
        for number, content in grains.items():
            tables[number] = 1 if content is None else tables[number]
        flags = 1 | 1 << 2
        head = (b"KDMV", 1, flags, capacity_sectors, grain_sectors, 1 if descriptor else 0, 20 if descriptor else 0, 512)
        _put(out, 0, struct.pack("<4sIIQQQQIQQQB4sH", *head, 0, directory_at, data_at, 0, b"\n \r\n", 0))
        _put(out, 1, descriptor)
        _put(out, directory_at, struct.pack(f"<{tables_needed}I", *directory))
        _put(out, tables_at, struct.pack(f"<{len(tables)}I", *tables))
        _fill_up(out)


def write_cowd(path: Path, capacity_sectors: int, grains: Grains, *, grain_sectors: int = 1) -> None:
    """A delta of VMFS. It knows no grains of zeros: None is refused with ValueError."""
    if None in grains.values():
        raise ValueError("COWD has no entry for a grain of zeros")
    entries = 4096
    tables_needed = -(-capacity_sectors // (grain_sectors * entries))
    used = sorted({number // entries for number in grains})
    tables_at = 4 + _sectors(tables_needed * 4)
    data_at = tables_at + len(used) * 32
    directory = [0] * tables_needed
    tables = {number: [0] * entries for number in used}
    with path.open("wb") as out:
        for place, (number, content) in enumerate(_stored(grains)):
            sector = data_at + place * grain_sectors
            tables[number // entries][number % entries] = sector
            _put(out, sector, content.ljust(grain_sectors * SECTOR_BYTES, b"\0"))
        for place, number in enumerate(used):
            directory[number] = tables_at + place * 32
            _put(out, directory[number], struct.pack(f"<{entries}I", *tables[number]))
        free = data_at + len(grains) * grain_sectors
        _put(out, 0, struct.pack("<4s7I", b"COWD", 1, 3, capacity_sectors, grain_sectors, 4, tables_needed, free))
        _put(out, 4, struct.pack(f"<{tables_needed}I", *directory))
        _fill_up(out)


def write_sesparse(path: Path, capacity_sectors: int, grains: Grains, *, replay_journal: int = 0) -> None:
    """A delta of VMFS 6: grains of 4 KiB. Grains of zeros alternate between the two entries that mean it."""
    entries = 4096
    tables_needed = -(-capacity_sectors // (8 * entries))
    used = sorted({number // entries for number in grains})
    directory_sectors = _sectors(tables_needed * 8)
    directory_at = 8
    tables_at = directory_at + directory_sectors
    grains_at = _up(tables_at + len(used) * 64, 8)
    directory = [0] * tables_needed
    tables = {number: [0] * entries for number in used}
    with path.open("wb") as out:
        for place, (number, content) in enumerate(_stored(grains)):
            tables[number // entries][number % entries] = 3 << 60 | (place & 0xFFF) << 48 | place >> 12
            _put(out, grains_at + place * 8, content.ljust(4096, b"\0"))
        for turn, number in enumerate(sorted(number for number, content in grains.items() if content is None)):
            tables[number // entries][number % entries] = (1 + turn % 2) << 60
        for place, number in enumerate(used):
            directory[number] = 0x1000_0000 << 32 | place
            _put(out, tables_at + place * 64, struct.pack(f"<{entries}Q", *tables[number]))
        head = (0xCAFEBABE, 0x2_0000_0001, capacity_sectors, 8, 64, 0, 0, 0, 0, 0, 1, 1, 2, 2, 4, 4)
        places = (directory_at, directory_sectors, tables_at, len(used) * 64, 0, 0, 0, 0, grains_at, len(grains) * 8)
        _put(out, 0, struct.pack("<26Q", *head, *places))
        _put(out, 1, struct.pack("<4Q", 0xCAFECAFE, 0, 0, replay_journal))
        _put(out, directory_at, struct.pack(f"<{tables_needed}Q", *directory))
        _fill_up(out)


def _stored(grains: Grains) -> list[tuple[int, bytes]]:
    """Grains with bytes, the last first: so nobody can take the file's order for the disk's."""
    return sorted(((number, content) for number, content in grains.items() if content is not None), reverse=True)


def _put(out: BinaryIO, sector: int, content: bytes) -> None:
    out.seek(sector * SECTOR_BYTES)
    out.write(content)


def _fill_up(out: BinaryIO) -> None:
    end = out.seek(0, 2)
    out.truncate(_sectors(end) * SECTOR_BYTES)


def _sectors(length: int) -> int:
    return -(-length // SECTOR_BYTES)


def _up(value: int, step: int) -> int:
    return -(-value // step) * step
