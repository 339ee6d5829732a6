"""A VMDK to a file as raw, dynamic VHD and qcow2, hashes on, against qemu-img making the same; neither syncs the medium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import disk_timing as timing
from tests.bench.bench_disks import prepared

GOAL = {"limit": 0.30}
FORMATS = {"raw": "raw", "vhd": "vpc", "qcow2": "qcow2"}


def run(work: Path) -> dict[str, Any]:
    """Time all three formats on disk `a`, after qemu-img compared what ours writes with the disk."""
    disk = prepared("a")
    cases: dict[str, Callable[[], timing.Timing]] = {}
    for ending, name in FORMATS.items():
        out = work / f"out.{ending}"
        ours = [*timing.ONE_COPY, str(disk.packed), str(out)]
        timing.timed(ours, [timing.qemu_img(), "compare", "-f", "raw", "-F", name, str(disk.raw), str(out)])
        out.unlink()
        cases[ending] = _timed_into(ours, out)
        theirs = [timing.qemu_img(), "convert", "-f", "vmdk", "-O", name, str(disk.packed), str(out)]
        cases[f"qemu_{ending}"] = _timed_into(theirs, out)
    rounds = timing.rounds_of(cases)
    told = [timing.ratio_case(f"{ending}_wall_s", rounds, ending, f"qemu_{ending}", GOAL) for ending in FORMATS]
    told += [timing.ratio_case(f"{ending}_cpu_s", rounds, ending, f"qemu_{ending}", {}, unit="cpu_s") for ending in FORMATS]
    return timing.result("convert_file", told)


def _timed_into(command: list[str], out: Path) -> Callable[[], timing.Timing]:
    def fresh() -> timing.Timing:
        timing.medium_at_rest(out.parent)
        told = timing.timed(command)[0]
        out.unlink()
        return told

    return fresh
