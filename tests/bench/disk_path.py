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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.disks.stream_vmdk import write_stream_vmdk

ROUNDS = 5
DISK_BYTES = 1 << 30
MIB = 1 << 20


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
    if qemu_img := shutil.which("qemu-img"):
        cases["qemu_img_to_raw"] = [qemu_img, "convert", "-f", "vmdk", "-O", "raw", str(packed), str(out)]
    rounds = [{name: timed(command, out) for name, command in cases.items()} for _ in range(ROUNDS + 1)][1:]
    return {
        "disk_mib": DISK_BYTES // MIB,
        "data_mib": data_bytes // MIB,
        "packed_mib": packed_bytes // MIB,
        "cases": {name: _summary([r[name] for r in rounds], data_bytes) for name in cases},
        "to_raw_against_qemu_img": _ratio(rounds, lambda timing: timing.wall_s),
        "to_raw_cpu_against_qemu_img": _ratio(rounds, lambda timing: 1 / timing.cpu_s),
    }


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


def _ratio(rounds: list[dict[str, Timing]], of: Callable[[Timing], float]) -> float | None:
    """Median over the rounds of qemu-img's figure against ours; None without qemu-img."""
    if "qemu_img_to_raw" not in rounds[0]:
        return None
    return round(statistics.median(of(r["qemu_img_to_raw"]) / of(r["to_raw"]) for r in rounds), 2)
