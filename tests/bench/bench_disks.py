"""The disks that the disk benches copy, made once and kept in var/bench/disks: a file system half full, one nearly empty,
random pieces, and a disk of a tebibyte with hardly anything on it. Each lies there raw and as VMware's stream.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.disks.stream_vmdk import write_stream_vmdk

KEPT = Path("var/bench/disks")
MIB, GIB = 1 << 20, 1 << 30
DISK_BYTES = 4 * GIB
_HALF_MIB, _FEW_MIB, _SMALL_MIB = 1900, 190, 48
_FILES_FROM = Path("/usr")


@dataclass(frozen=True, slots=True)
class BenchDisk:
    """One prepared disk. `data_bytes` is what the raw file occupies."""

    name: str
    raw: Path
    packed: Path

    @property
    def data_bytes(self) -> int:
        """Allocated bytes of the raw file."""
        return self.raw.stat().st_blocks * 512


def prepared(name: str) -> BenchDisk:
    """The disk `a` (4 GiB, half full of files), `b` (5 % full), `c` (random pieces of 1 MiB), `small` (1 GiB, 5 % full) or
    `tebibyte` (1 TiB, sparse).
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    disk = BenchDisk(name, KEPT / f"{name}.raw", KEPT / f"{name}.vmdk")
    if not disk.packed.exists():
        fresh = KEPT / "fresh.raw"
        _MAKERS[name](fresh)
        fresh.rename(disk.raw)
        with (KEPT / "fresh.vmdk").open("wb") as out:
            write_stream_vmdk(disk.raw, out, 6)
        (KEPT / "fresh.vmdk").rename(disk.packed)
    return disk


def _file_system(path: Path, fill_mib: int, disk_bytes: int = DISK_BYTES) -> None:
    """An ext4 file system that holds `fill_mib` of this machine's own files."""
    tree = KEPT / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    left_bytes = fill_mib * MIB
    for number, file in enumerate(_files()):
        size_bytes = file.stat().st_size
        if size_bytes > left_bytes:
            break
        shutil.copyfile(file, tree / f"{number:06d}")
        left_bytes -= size_bytes
    command = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(tree), str(path), f"{disk_bytes // MIB}M"]
    subprocess.run(command, check=True)
    shutil.rmtree(tree)


def _files() -> Iterator[Path]:
    for directory, folders, names in os.walk(_FILES_FROM):
        folders.sort()
        yield from (file for name in sorted(names) if (file := Path(directory, name)).is_file() and not file.is_symlink())


def _random_pieces(path: Path) -> None:
    with path.open("wb") as disk:
        disk.truncate(DISK_BYTES)
        for offset_bytes in range(0, DISK_BYTES, 2 * MIB):
            disk.seek(offset_bytes)
            disk.write(os.urandom(MIB))


def _tebibyte(path: Path) -> None:
    """64 MiB of data in pieces of 64 KiB, spread over the whole."""
    with path.open("wb") as disk:
        disk.truncate(1 << 40)
        for offset_bytes in range(0, 1 << 40, GIB):
            disk.seek(offset_bytes)
            disk.write(os.urandom(64 << 10))


_MAKERS: dict[str, Callable[[Path], None]] = {
    "a": lambda path: _file_system(path, _HALF_MIB),
    "b": lambda path: _file_system(path, _FEW_MIB),
    "c": _random_pieces,
    "small": lambda path: _file_system(path, _SMALL_MIB, GIB),
    "tebibyte": _tebibyte,
}
