"""A VMDK from HTTP to frames over HTTP, block hashes on, against qemu-img converting the same file to a raw file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bench import disk_timing as timing
from tests.bench.bench_disks import prepared

WALL_GOAL = {"limit": 0.30, "stretch": 0.25}
CPU_GOAL = {"limit": 0.45}
THROTTLE_MIB_PER_S = 50


def run(work: Path) -> dict[str, Any]:
    """Time both on disk `a`; the tebibyte shows whether memory grows with the disk."""
    disk, huge, out = prepared("a"), prepared("tebibyte"), work / "out.raw"
    qemu = [timing.qemu_img(), "convert", "-f", "vmdk", "-O", "raw", str(disk.packed), str(out)]

    def qemu_once() -> timing.Timing:
        out.unlink(missing_ok=True)
        return timing.timed(qemu)[0]

    with timing.peer() as peer:
        rounds = timing.rounds_of(
            {
                "ours": lambda: timing.timed(peer.copy(disk.packed))[0],
                "qemu": qemu_once,
                "tebibyte": lambda: timing.timed(peer.copy(huge.packed))[0],
            }
        )
    with timing.peer("--mib-per-s", str(THROTTLE_MIB_PER_S)) as slow:
        throttled = timing.timed(slow.copy(prepared("b").packed))[0].told["peak_rss_mib"]
    peak = timing.peak_mib(rounds, "ours")
    growth = round(timing.peak_mib(rounds, "tebibyte") - peak, 1)
    cases = [
        timing.ratio_case("a_wall_s", rounds, "ours", "qemu", WALL_GOAL),
        timing.ratio_case("a_cpu_s", rounds, "ours", "qemu", CPU_GOAL, unit="cpu_s"),
        {"case": "peak_rss_mib", "ours": peak, "limit": 96, "stretch": 64},
        {"case": "peak_rss_mib_at_a_target_of_50_mib_per_s", "ours": throttled, "limit": 96},
        {"case": "growth_to_a_tebibyte_mib", "ours": growth, "limit": 8},
    ]
    rate = disk.data_bytes / timing.MIB / cases[0]["ours"]
    return timing.result("convert_stream", cases, data_mib=disk.data_bytes // timing.MIB, data_mib_per_s=round(rate))
