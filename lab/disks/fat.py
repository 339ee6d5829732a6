"""A small FAT16 and FAT32 writer: enough of the format for fsck and a mount to be content.

Short names only, each directory one cluster, files in one run with chosen gaps between them. It writes into a sparse
file at a partition's offset and leaves free clusters as holes. What the files contain is content.py's matter.

Source: the public FAT file system specification (fatgen103).
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

SECTOR_BYTES = 512
FAT16_MAX_CLUSTERS = 65524
ROOT_ENTRIES_FAT16 = 512
ENTRY_BYTES = 32
ATTR_DIRECTORY, ATTR_ARCHIVE, ATTR_VOLUME = 0x10, 0x20, 0x08
DOS_DATE, DOS_TIME = (44 << 9) | (3 << 5) | 12, (9 << 11) | (41 << 5)  # 2024-03-12 09:41, the same in every world


class VolumeFull(ValueError):
    """The file does not fit into the clusters or the directory that are left."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the parts of a volume lie, in sectors from its start."""

    bits: int
    sectors: int
    sectors_per_cluster: int
    reserved: int
    fat_sectors: int
    root_sectors: int

    @property
    def data_start(self) -> int:
        """First sector of cluster 2."""
        return self.reserved + 2 * self.fat_sectors + self.root_sectors

    @property
    def clusters(self) -> int:
        """Number of data clusters."""
        return (self.sectors - self.data_start) // self.sectors_per_cluster

    @property
    def cluster_bytes(self) -> int:
        """Size of one cluster."""
        return self.sectors_per_cluster * SECTOR_BYTES


@dataclass(slots=True)
class _Directory:
    cluster: int  # 0 is the fixed root of FAT16
    capacity: int
    entries: list[bytes] = field(default_factory=list)


def geometry_for(sectors: int) -> Geometry:
    """FAT16 below 256 MiB, FAT32 from there on, with a cluster size that keeps the cluster count legal for the kind."""
    if sectors >= (256 << 20) // SECTOR_BYTES:
        return _sized(32, sectors, 4 if sectors < (512 << 20) // SECTOR_BYTES else 8, 32, 0)
    per_cluster = 4
    while sectors // per_cluster > FAT16_MAX_CLUSTERS:
        per_cluster *= 2
    return _sized(16, sectors, per_cluster, 1, ROOT_ENTRIES_FAT16 * ENTRY_BYTES // SECTOR_BYTES)


def _sized(bits: int, sectors: int, per_cluster: int, reserved: int, root_sectors: int) -> Geometry:
    fat_bytes = (sectors // per_cluster + 2) * bits // 8
    return Geometry(bits, sectors, per_cluster, reserved, -(-fat_bytes // SECTOR_BYTES), root_sectors)


class FatVolume:
    """Writes one volume; call `mkdir` and `add_file`, then `finish` once."""

    def __init__(self, disk: BinaryIO, offset_bytes: int, sectors: int, label: str, serial: int) -> None:
        self.geometry = geometry_for(sectors)
        self._disk, self._offset, self._label, self._serial = disk, offset_bytes, label, serial
        self._fat = array("I" if self.geometry.bits == 32 else "H", [0] * (self.geometry.clusters + 2))
        self._next = 2
        root_entries = self.geometry.cluster_bytes // ENTRY_BYTES if self.geometry.bits == 32 else ROOT_ENTRIES_FAT16
        root_cluster = self._take(1, 0) if self.geometry.bits == 32 else 0
        self._directories = {"": _Directory(root_cluster, root_entries)}
        self._directories[""].entries.append(_entry(label.ljust(11)[:11], ATTR_VOLUME, 0, 0))

    @property
    def free_bytes(self) -> int:
        """Bytes in clusters that were never handed out."""
        return (self.geometry.clusters + 2 - self._next) * self.geometry.cluster_bytes

    def mkdir(self, name: str) -> None:
        """Make directory `name` (8.3, upper case) in the root."""
        cluster = self._take(1, 0)
        directory = _Directory(cluster, self.geometry.cluster_bytes // ENTRY_BYTES)
        directory.entries += [_entry(".".ljust(11), ATTR_DIRECTORY, cluster, 0), _entry("..".ljust(11), ATTR_DIRECTORY, 0, 0)]
        self._add_entry(self._directories[""], _entry(_short(name), ATTR_DIRECTORY, cluster, 0))
        self._directories[name] = directory

    def add_file(self, directory: str, name: str, size_bytes: int, pieces: Iterable[bytes], gap_clusters: int = 0) -> None:
        """Write a file; `gap_clusters` are left free before it, as deleted files leave them.

        Raises:
            VolumeFull: no room in the volume or in the directory.
        """
        count = -(-size_bytes // self.geometry.cluster_bytes)
        first = self._take(count, gap_clusters) if count else 0
        self._add_entry(self._directories[directory], _entry(_short(name), ATTR_ARCHIVE, first, size_bytes))
        if first:
            self._seek_cluster(first)
        for piece in pieces:
            self._disk.write(piece)

    def finish(self) -> None:
        """Write boot sector, FATs and directories; the volume is whole only after this."""
        self._write_boot_sectors()
        self._write_fats()
        for directory in self._directories.values():
            if directory.cluster:
                self._seek_cluster(directory.cluster)
            else:
                self._seek_sector(self.geometry.data_start - self.geometry.root_sectors)
            self._disk.write(b"".join(directory.entries))

    def _take(self, count: int, gap: int) -> int:
        first = self._next + gap
        end_mark = 0x0FFFFFFF if self.geometry.bits == 32 else 0xFFFF
        if first + count > self.geometry.clusters + 2:
            raise VolumeFull(f"{count} clusters wanted, {self.geometry.clusters + 2 - first} left on {self._label}")
        for cluster in range(first, first + count - 1):
            self._fat[cluster] = cluster + 1
        self._fat[first + count - 1] = end_mark
        self._next = first + count
        return first

    def _add_entry(self, directory: _Directory, entry: bytes) -> None:
        if len(directory.entries) >= directory.capacity - 1:
            raise VolumeFull(f"a directory of {self._label} already has {len(directory.entries)} entries")
        directory.entries.append(entry)

    def _seek_sector(self, sector: int) -> None:
        self._disk.seek(self._offset + sector * SECTOR_BYTES)

    def _seek_cluster(self, cluster: int) -> None:
        self._seek_sector(self.geometry.data_start + (cluster - 2) * self.geometry.sectors_per_cluster)

    def _write_boot_sectors(self) -> None:
        boot = _boot_sector(self.geometry, self._offset // SECTOR_BYTES, self._label, self._serial)
        self._seek_sector(0)
        self._disk.write(boot)
        if self.geometry.bits == 32:
            free = self._fat[2:].count(0)
            info = struct.pack("<4s480x4sII12xI", b"RRaA", b"rrAa", free, self._next, 0xAA550000)
            for sector, content in ((1, info), (6, boot), (7, info)):
                self._seek_sector(sector)
                self._disk.write(content)

    def _write_fats(self) -> None:
        fat32 = self.geometry.bits == 32
        self._fat[0], self._fat[1] = (0x0FFFFFF8, 0x0FFFFFFF) if fat32 else (0xFFF8, 0xFFFF)
        table = array(self._fat.typecode, self._fat)
        if sys.byteorder == "big":
            table.byteswap()
        used = table.tobytes()[: self._next * self.geometry.bits // 8]
        for copy in range(2):
            self._seek_sector(self.geometry.reserved + copy * self.geometry.fat_sectors)
            self._disk.write(used)


def _boot_sector(geometry: Geometry, hidden_sectors: int, label: str, serial: int) -> bytes:
    fat32 = geometry.bits == 32
    small = geometry.sectors if geometry.sectors < 65536 and not fat32 else 0
    common = struct.pack(
        "<3s8sHBHBHHBHHHII",
        b"\xeb\x58\x90" if fat32 else b"\xeb\x3c\x90",
        b"XENBLAB ",
        SECTOR_BYTES,
        geometry.sectors_per_cluster,
        geometry.reserved,
        2,
        0 if fat32 else ROOT_ENTRIES_FAT16,
        small,
        0xF8,
        0 if fat32 else geometry.fat_sectors,
        63,
        255,
        hidden_sectors,
        0 if small else geometry.sectors,
    )
    extended = struct.pack("<IHHIHH12x", geometry.fat_sectors, 0, 0, 2, 1, 6) if fat32 else b""
    kind = b"FAT32   " if fat32 else b"FAT16   "
    tail = struct.pack("<BBBI11s8s", 0x80, 0, 0x29, serial, label.ljust(11)[:11].encode(), kind)
    return (common + extended + tail).ljust(510, b"\0") + b"\x55\xaa"


def _short(name: str) -> str:
    stem, _, extension = name.partition(".")
    if len(stem) > 8 or len(extension) > 3 or name != name.upper():
        raise ValueError(f"{name!r} is not an upper-case 8.3 name")
    return stem.ljust(8) + extension.ljust(3)


def _entry(padded_name: str, attributes: int, cluster: int, size_bytes: int) -> bytes:
    return struct.pack(
        "<11sBBBHHHHHHHI",
        padded_name.encode(),
        attributes,
        0,
        0,
        DOS_TIME,
        DOS_DATE,
        DOS_DATE,
        cluster >> 16,
        DOS_TIME,
        DOS_DATE,
        cluster & 0xFFFF,
        size_bytes,
    )
