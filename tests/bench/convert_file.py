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
    """Time all three formats on disk `a`; in the warm-up qemu-img compares what both wrote with the disk."""
    disk = prepared("a")
    cases: dict[str, Callable[[], timing.Timing]] = {}
    for ending, name in FORMATS.items():
        out = work / f"out.{ending}"
        ours = [*timing.ONE_COPY, str(disk.packed), str(out)]
        theirs = [timing.qemu_img(), "convert", "-f", "vmdk", "-O", name, str(disk.packed), str(out)]
        cases[ending] = _timed_into(ours, out)
        cases[f"qemu_{ending}"] = _timed_into(theirs, out)
    for ending, name in FORMATS.items():
        cases[ending]()
        out = work / f"out.{ending}"
        timing.timed([timing.qemu_img(), "compare", "-f", "raw", "-F", name, str(disk.raw), str(out)])
        out.unlink()
    rounds = timing.rounds_of(cases)
    told = [timing.ratio_case(f"{ending}_wall_s", rounds, ending, f"qemu_{ending}", GOAL) for ending in FORMATS]
    told += [timing.ratio_case(f"{ending}_cpu_s", rounds, ending, f"qemu_{ending}", {}, unit="cpu_s") for ending in FORMATS]
    return timing.result("convert_file", told)


def _timed_into(command: list[str], out: Path) -> Callable[[], timing.Timing]:
    def fresh() -> timing.Timing:
        out.unlink(missing_ok=True)
        return timing.timed(command)[0]

    return fresh
