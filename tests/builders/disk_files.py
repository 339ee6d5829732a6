"""Disks in files for tests: sparse raw ones of given pieces, and what qemu-img says of what was made of them."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from estate.disks.blockmap import BlockHashes
from estate.disks.ports import Extent

QEMU_IMG = shutil.which("qemu-img")


def qemu_img(*arguments: str | Path) -> str:
    """Run qemu-img; raises CalledProcessError when it says no."""
    assert QEMU_IMG
    done = subprocess.run([QEMU_IMG, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def raw_disk(path: Path, size_bytes: int, pieces: list[tuple[int, int]], *, seed: int = 1) -> Path:
    """A sparse file with random bytes at (offset, length)."""
    rnd = random.Random(seed)
    with path.open("wb") as disk:
        disk.truncate(size_bytes)
        for offset, length in pieces:
            disk.seek(offset)
            disk.write(rnd.randbytes(length))
    return path


class PiecesOf:
    """The given pieces of a raw file as a source of extents that leaves hashing to the pump."""

    def __init__(self, path: Path, pieces: list[tuple[int, int]]) -> None:
        self._path = path
        self._pieces = sorted(pieces)
        self.capacity_bytes = path.stat().st_size

    def hash_into(self, block_hashes: BlockHashes) -> bool:
        return False

    def extents(self) -> Iterator[Extent]:
        with self._path.open("rb") as disk:
            for offset, length in self._pieces:
                disk.seek(offset)
                yield Extent(offset, disk.read(length))

    def close(self) -> None:
        """Nothing is held."""
