"""Two copies at once against one alone: their summed rate, and whether one of them starves."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from tests.bench import disk_timing as timing
from tests.bench.bench_disks import prepared


def run(_work: Path) -> dict[str, Any]:
    """Copy disk `a` alone, then twice at once; rates are of data, so equal disks compare by their times."""
    packed = prepared("a").packed
    summed, slower = [], []
    with timing.peer() as peer:
        for _ in range(timing.ROUNDS):
            (alone,) = timing.timed(peer.copy(packed))
            both = timing.timed(peer.copy(packed), peer.copy(packed), at_once=True)
            summed.append(2 * alone.wall_s / max(t.wall_s for t in both))
            slower.append(min(t.wall_s for t in both) / max(t.wall_s for t in both))
    cases = [
        {"case": "summed_rate_of_two_to_one", "ours": round(statistics.median(summed), 3), "at_least": 1.0},
        {"case": "slower_to_faster", "ours": round(statistics.median(slower), 3), "at_least": 0.8},
    ]
    return timing.result("two_disks", cases)
