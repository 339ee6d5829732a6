"""Raw source disks: partition table, file systems and files, as one sparse file per disk.

The plan says how large and how full; the seed says the rest. Caching and compression are store.py's work.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lab.disks.content import Texture, file_pieces
from lab.disks.fat import ENTRY_BYTES, FatVolume, VolumeFull
from lab.disks.mbr import SECTOR_BYTES, TYPE_FAT16_LBA, TYPE_FAT32_LBA, Partition, partition_table

MIB = 1 << 20
FIRST_SECTOR = 2048
FILES_PER_MIB = 1.5
LAYOUTS = {
    "windows": ("SYSTEM", "WINDOWS"),
    "linux": ("ROOTFS",),
    "data": ("DATA",),
}
DIRECTORIES = {
    "SYSTEM": ("EFI", "BOOT"),
    "WINDOWS": ("WINDOWS", "PROGRAMS", "USERS", "INETPUB"),
    "ROOTFS": ("BOOT", "ETC", "USR", "VAR", "HOME"),
    "DATA": ("DB", "LOGS", "EXPORT"),
}
SYSTEM_PARTITION_MIB = 24


@dataclass(frozen=True, slots=True)
class DiskPlan:
    """What to build: `fill_mib` is about how much of `capacity_mib` is allocated; `layout` is a key of LAYOUTS."""

    name: str
    seed: int
    capacity_mib: int
    fill_mib: int
    layout: str = "linux"


def build_raw_disk(plan: DiskPlan, path: Path) -> None:
    """Write the disk of `plan` to `path` as a sparse file of exactly the planned capacity."""
    chance = random.Random(f"{plan.seed}:{plan.name}")
    partitions = _partitions(plan)
    with path.open("wb") as disk:
        disk.truncate(plan.capacity_mib * MIB)
        disk.write(partition_table(chance.getrandbits(32), partitions))
        fills = _fills(plan, len(partitions))
        for label, partition, fill_bytes in zip(LAYOUTS[plan.layout], partitions, fills, strict=True):
            _fill_partition(disk, partition, label, fill_bytes, plan, chance)


def _partitions(plan: DiskPlan) -> list[Partition]:
    total = plan.capacity_mib * MIB // SECTOR_BYTES - FIRST_SECTOR
    if plan.layout != "windows":
        return [_partition(FIRST_SECTOR, total, bootable=plan.layout == "linux")]
    small = SYSTEM_PARTITION_MIB * MIB // SECTOR_BYTES
    return [_partition(FIRST_SECTOR, small, bootable=True), _partition(FIRST_SECTOR + small, total - small)]


def _partition(first: int, sectors: int, bootable: bool = False) -> Partition:
    kind = TYPE_FAT32_LBA if sectors * SECTOR_BYTES >= 256 * MIB else TYPE_FAT16_LBA
    return Partition(first, sectors, kind, bootable)


def _fills(plan: DiskPlan, partitions: int) -> list[int]:
    if partitions == 1:
        return [plan.fill_mib * MIB]
    return [4 * MIB, max(1, plan.fill_mib - 4) * MIB]


def _fill_partition(
    disk: BinaryIO, partition: Partition, label: str, fill_bytes: int, plan: DiskPlan, chance: random.Random
) -> None:
    offset = partition.first_sector * SECTOR_BYTES
    volume = FatVolume(disk, offset, partition.sectors, label, chance.getrandbits(32))
    for directory in DIRECTORIES[label]:
        volume.mkdir(directory)
    slack = max(0, volume.free_bytes - fill_bytes) // volume.geometry.cluster_bytes
    room = len(DIRECTORIES[label]) * volume.geometry.cluster_bytes // ENTRY_BYTES * 3 // 5
    files = min(room, max(4, int(fill_bytes / MIB * FILES_PER_MIB)))
    written = 0
    for number in range(files):
        size = _file_size(chance, fill_bytes, files, written, number)
        directory = chance.choice(DIRECTORIES[label])
        texture = chance.choice((Texture.TEXT, Texture.CODE, Texture.CODE, Texture.MEDIA))
        name = f"F{number:06d}.{'LOG' if texture is Texture.TEXT else 'BIN'}"
        gap = chance.randrange(0, slack // files + 1)
        try:
            volume.add_file(directory, name, size, file_pieces(plan.seed, f"{plan.name}/{name}", size, texture), gap)
        except VolumeFull:
            break  # the plan asked for more than fits: a full volume is a legal disk too
        written += size
    volume.finish()


def _file_size(chance: random.Random, fill_bytes: int, files: int, written: int, number: int) -> int:
    left = fill_bytes - written
    if number == files - 1 or left <= 0:
        return max(0, left)
    mean = left / (files - number)
    return min(int(chance.expovariate(1 / mean)) + 1, left)
