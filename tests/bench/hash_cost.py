"""What block hashes cost: the same copy with and without them, on files and on random pieces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import disk_timing as timing
from tests.bench.bench_disks import prepared

GOALS = {"a": {"limit": 1.20}, "c": {"limit": 1.30}}


def run(_work: Path) -> dict[str, Any]:
    """Time both on disks `a` and `c`."""
    with timing.peer() as peer:
        cases: dict[str, Callable[[], timing.Timing]] = {}
        for name in GOALS:
            packed = prepared(name).packed
            cases[name] = lambda packed=packed: timing.timed(peer.copy(packed))[0]  # type: ignore[misc]
            cases[f"off_{name}"] = lambda packed=packed: timing.timed(peer.copy(packed, "--no-hashes"))[0]  # type: ignore[misc]
        rounds = timing.rounds_of(cases)
    told = [timing.ratio_case(f"{name}_wall_s", rounds, name, f"off_{name}", goal) for name, goal in GOALS.items()]
    return timing.result("hash_cost", told)
