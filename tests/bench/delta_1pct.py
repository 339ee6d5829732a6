"""Changed extents of a local disk sent to a peer in one PUT: how fast, and what 1 % of a disk costs against all of it.

Both run in this process, so that no start of an interpreter is counted; the peer drops what it gets.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from estate.disks import delta, pump
from estate.disks.blockmap import BlockHashes
from estate.disks.images import DiskImage, ImageSource, LocalFolder, open_raw
from tests.bench import disk_timing as timing
from tests.bench.bench_disks import BenchDisk, prepared
from tests.bench.one_copy import FrameSink

KIB, MIB = 1 << 10, 1 << 20
CHANGED_MIB = 512
SMALLEST, LARGEST = 64 * KIB, MIB


def run(_work: Path) -> dict[str, Any]:
    """Time a delta of 512 MiB, one of 1 % of the disk, and a full copy, in turn."""
    disk = prepared("c")
    capacity_bytes = disk.raw.stat().st_size
    large, small = _changed(capacity_bytes, CHANGED_MIB * MIB), _changed(capacity_bytes, capacity_bytes // 100)
    hashes = BlockHashes(capacity_bytes)
    rates, shares = [], []
    with timing.peer() as peer:
        for _ in range(timing.ROUNDS + 1):
            full_s = _timed(lambda: _full(disk, peer.url))
            small_s = _timed(lambda: delta.write(_image(disk), small, FrameSink(peer.url, ""), block_hashes=hashes))
            large_s = _timed(lambda: delta.write(_image(disk), large, FrameSink(peer.url, ""), block_hashes=hashes))
            rates.append(CHANGED_MIB / 1024 / large_s)
            shares.append(small_s / full_s)
    cases = [
        {"case": "changed_gib_per_s", "ours": round(statistics.median(rates[1:]), 2), "at_least": 1.0, "stretch": 1.5},
        {"case": "one_percent_to_full", "ours": round(statistics.median(shares[1:]), 4), "limit": 0.03},
    ]
    return timing.result("delta_1pct", cases, extents=len(large))


def _full(disk: BenchDisk, url: str) -> None:
    image = _image(disk)
    pump.copy(ImageSource(image), FrameSink(url, ""), block_hashes=BlockHashes(image.capacity_bytes))


def _image(disk: BenchDisk) -> DiskImage:
    return open_raw(LocalFolder(disk.raw.parent), disk.raw.name)


def _changed(capacity_bytes: int, total_bytes: int) -> list[tuple[int, int]]:
    """Extents all over the disk, 64 KiB to 1 MiB each, in any order."""
    chance = random.Random(1)
    extents: list[tuple[int, int]] = []
    while total_bytes > 0:
        length = min(total_bytes, chance.randrange(SMALLEST, LARGEST, 4096))
        start = chance.randrange(0, capacity_bytes - length, 4096)
        extents.append((start, start + length))
        total_bytes -= length
    return extents


def _timed(work: Callable[[], object]) -> float:
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s
