"""The same copy, HTTP to HTTP, against what one does by hand: curl the file, convert it to raw, curl it to its target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import disk_timing as timing
from tests.bench.bench_disks import BenchDisk, prepared

GOALS = {"a": {"limit": 0.22, "stretch": 0.20}, "b": {"limit": 0.07, "stretch": 0.06}, "c": {"limit": 0.19, "stretch": 0.17}}


def run(work: Path) -> dict[str, Any]:
    """Time both ways for disks `a`, `b` and `c`. Ours writes no file; the other's files are removed before each round."""
    disks = [prepared(name) for name in GOALS]
    with timing.peer() as peer:
        cases: dict[str, Callable[[], timing.Timing]] = {}
        for disk in disks:
            cases[disk.name] = lambda disk=disk: timing.timed(peer.copy(disk.packed))[0]  # type: ignore[misc]
            cases[f"chain_{disk.name}"] = lambda disk=disk: timing.timed(chain(disk, peer.url, work))[0]  # type: ignore[misc]
        rounds = timing.rounds_of(cases)
    told = [timing.ratio_case(f"{name}_wall_s", rounds, name, f"chain_{name}", goal) for name, goal in GOALS.items()]
    return timing.result("convert_chain", told)


def chain(disk: BenchDisk, url: str, work: Path) -> list[str]:
    """The command that copies a disk of the peer's by hand."""
    packed, plain = work / "chain.vmdk", work / "chain.raw"
    packed.unlink(missing_ok=True)
    plain.unlink(missing_ok=True)
    steps = (
        f"curl -s -o {packed} {url}{disk.packed.resolve()}",
        f"{timing.qemu_img()} convert -f vmdk -O raw {packed} {plain}",
        f"curl -s -H Expect: -T {plain} {url}/",
    )
    return ["sh", "-c", " && ".join(steps)]
