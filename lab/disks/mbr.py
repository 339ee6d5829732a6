"""The first sector of a disk: a classic MBR partition table. What is inside a partition does not belong here."""

from __future__ import annotations

import struct
from dataclasses import dataclass

SECTOR_BYTES = 512
TYPE_FAT16_LBA = 0x0E
TYPE_FAT32_LBA = 0x0C


@dataclass(frozen=True, slots=True)
class Partition:
    """One primary partition, in sectors of 512 bytes."""

    first_sector: int
    sectors: int
    type_code: int
    bootable: bool = False


def partition_table(disk_signature: int, partitions: list[Partition]) -> bytes:
    """The 512 bytes of sector 0 for up to four primary partitions.

    Raises:
        ValueError: more than four partitions.
    """
    if len(partitions) > 4:
        raise ValueError(f"an MBR holds four primary partitions, not {len(partitions)}")
    entries = b"".join(_entry(partition) for partition in partitions)
    boot_code = b"\xfa\xf4".ljust(440, b"\0")  # cli; hlt: a machine started from it stops, and does not wander off
    return boot_code + struct.pack("<IH", disk_signature, 0) + entries.ljust(64, b"\0") + b"\x55\xaa"


def _entry(partition: Partition) -> bytes:
    last = partition.first_sector + partition.sectors - 1
    return struct.pack(
        "<B3sB3sII",
        0x80 if partition.bootable else 0,
        _chs(partition.first_sector),
        partition.type_code,
        _chs(last),
        partition.first_sector,
        partition.sectors,
    )


def _chs(sector: int) -> bytes:
    cylinder, rest = divmod(sector, 255 * 63)
    head, offset = divmod(rest, 63)
    if cylinder > 1023:
        return b"\xfe\xff\xff"
    return bytes((head, (offset + 1) | ((cylinder >> 2) & 0xC0), cylinder & 0xFF))
