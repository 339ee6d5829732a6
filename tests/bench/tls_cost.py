"""What TLS costs: CPU of the same copy with both sides over TLS and over HTTP; the peer's own CPU is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench import disk_timing as timing
from tests.bench.bench_disks import prepared

CPU_GOAL = {"limit": 1.4, "stretch": 1.35}


def run(_work: Path) -> dict[str, Any]:
    """Time both on disk `a`."""
    packed = prepared("a").packed
    with timing.peer() as plain, timing.peer("--tls") as secret:
        rounds = timing.rounds_of(
            {
                "tls": lambda: timing.timed(secret.copy(packed))[0],
                "plain": lambda: timing.timed(plain.copy(packed))[0],
            }
        )
    told = [timing.ratio_case("a_cpu_s", rounds, "tls", "plain", CPU_GOAL, unit="cpu_s")]
    return timing.result("tls_cost", [*told, timing.ratio_case("a_wall_s", rounds, "tls", "plain", {})])
