"""The disk path against qemu-img: one streamOptimized VMDK to a raw file, and as frames over TLS to a peer that drops them.

The disk holds the running interpreter's own files, which deflate like a file system does. Figures are worth something only
on an otherwise idle machine: rates drift, so the ratio to qemu-img inside one round is what counts.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.disks.stream_vmdk import write_stream_vmdk

ROUNDS = 5
DISK_BYTES = 1 << 30
MIB = 1 << 20
WALL_GOAL = {"limit": 0.333, "stretch": 0.263}
"""Three times as fast as qemu-img, and 3.8 times."""
RSS_GOAL = {"ratio": None, "limit": 96, "stretch": 64}


@dataclass(frozen=True, slots=True)
class Timing:
    """One process from start to end, the interpreter's start included."""

    wall_s: float
    cpu_s: float
    peak_rss_mib: float | None
    """What the process says of itself; wait4's figure would count the parent it was forked from."""


def run(work: Path) -> dict[str, Any]:
    """Time all cases in turn, `ROUNDS` times after a warm-up."""
    raw, packed, out = work / "source.raw", work / "source.vmdk", work / "out.raw"
    data_bytes = make_disk(raw)
    with packed.open("wb") as stream:
        packed_bytes = write_stream_vmdk(raw, stream)
    ours = [sys.executable, "-m", "tests.bench.one_copy", str(packed)]
    cases: dict[str, list[str]] = {"to_raw": [*ours, "--raw", str(out)], "to_tls_peer": [*ours, "--tls"]}
    qemu_img = shutil.which("qemu-img")
    if qemu_img:
        cases["qemu_img_to_raw"] = [qemu_img, "convert", "-f", "vmdk", "-O", "raw", str(packed), str(out)]
    rounds = [{name: timed(command, out) for name, command in cases.items()} for _ in range(ROUNDS + 1)][1:]
    return {
        "name": "disk_path",
        "unit": "seconds of wall time, MiB of memory",
        "runs": ROUNDS,
        "peer_version": _version(qemu_img),
        "cases": [
            _wall_case(rounds),
            {"case": "peak_rss_mib_of_one_stream_over_tls", "ours": _peak_mib(rounds, "to_tls_peer"), "peer": None} | RSS_GOAL,
        ],
        "figures": {
            "disk_mib": DISK_BYTES // MIB,
            "data_mib": data_bytes // MIB,
            "packed_mib": packed_bytes // MIB,
            **{name: _summary([r[name] for r in rounds], data_bytes) for name in cases},
        },
    }


def _wall_case(rounds: list[dict[str, Timing]]) -> dict[str, Any]:
    """VMDK to a raw file, ours against qemu-img: medians, and the median of the ratios inside a round."""
    ours = statistics.median(r["to_raw"].wall_s for r in rounds)
    case = {"case": "vmdk_to_raw_wall_s", "ours": round(ours, 3), **WALL_GOAL}
    if "qemu_img_to_raw" not in rounds[0]:
        return {**case, "peer": None, "ratio": None}
    peer = statistics.median(r["qemu_img_to_raw"].wall_s for r in rounds)
    ratio = statistics.median(r["to_raw"].wall_s / r["qemu_img_to_raw"].wall_s for r in rounds)
    return {**case, "peer": round(peer, 3), "ratio": round(ratio, 3)}


def _peak_mib(rounds: list[dict[str, Timing]], name: str) -> float | None:
    return max((r[name].peak_rss_mib or 0 for r in rounds), default=None)


def _version(qemu_img: str | None) -> str:
    if qemu_img is None:
        return "qemu-img is not installed"
    return subprocess.run([qemu_img, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def make_disk(path: Path) -> int:
    """Fill about half of a sparse disk with the interpreter's files, in runs between holes; gives the bytes of data."""
    files = (file for file in sorted(Path(sys.prefix, "lib").rglob("*")) if file.is_file() and not file.is_symlink())
    position = data_bytes = 0
    with path.open("wb") as disk:
        disk.truncate(DISK_BYTES)
        for file in files:
            content = file.read_bytes()
            if position + len(content) > DISK_BYTES or data_bytes > DISK_BYTES // 2:
                break
            disk.seek(position)
            disk.write(content)
            data_bytes += len(content)
            position = (position + len(content) + 4095) // 4096 * 4096 + (MIB if position % (8 * MIB) < 64 << 10 else 0)
    return data_bytes


def timed(command: list[str], out: Path) -> Timing:
    """Run a command to its end and measure it."""
    out.unlink(missing_ok=True)
    began_s = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout
    told = child.stdout.read().strip()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Timing(time.monotonic() - began_s, usage.ru_utime + usage.ru_stime, float(told) if told else None)


def _summary(timings: list[Timing], data_bytes: int) -> dict[str, float | None]:
    wall_s = statistics.median(timing.wall_s for timing in timings)
    return {
        "wall_s": round(wall_s, 3),
        "cpu_s": round(statistics.median(timing.cpu_s for timing in timings), 3),
        "peak_rss_mib": max((timing.peak_rss_mib for timing in timings if timing.peak_rss_mib), default=None),
        "data_mib_per_s": round(data_bytes / MIB / wall_s, 1),
    }
