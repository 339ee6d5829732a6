"""Timing of whole processes for the disk benches: every case once per round, ratios inside a round, medians over the rounds."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROUNDS = 5
ONE_COPY = [sys.executable, "-m", "tests.bench.one_copy"]
MIB = 1 << 20
_WARM_PIECE = bytes(8 * MIB)
_WARM_PIECES = 320


@dataclass(frozen=True, slots=True)
class Timing:
    """One process from start to end, the interpreter's start and children included."""

    wall_s: float
    cpu_s: float
    told: dict[str, Any]
    """What it printed as JSON; wait4's figure of memory would count the parent it was forked from."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The running other side: its address and, over TLS, what to pin."""

    url: str
    pin: str

    def copy(self, path: Path, *options: str) -> list[str]:
        """The command that copies a VMDK of the peer's files to the peer."""
        pinned = ["--pin", self.pin] if self.pin else []
        return [*ONE_COPY, f"{self.url}{path.resolve()}", f"{self.url}/", *pinned, *options]


@contextmanager
def peer(*options: str) -> Iterator[Peer]:
    """Start the other side and end it."""
    command = [sys.executable, "-m", "tests.bench.disk_peer", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port, _, pin = process.stdout.readline().strip().partition(" ")
        yield Peer(f"{'https' if pin else 'http'}://127.0.0.1:{port}", pin)


def timed(*commands: list[str], at_once: bool = False) -> list[Timing]:
    """Run commands one after another, or all at once, and measure each.

    Raises: CalledProcessError when one of them fails.
    """
    if not at_once:
        return [timing for command in commands for timing in _measured([command])]
    return _measured(list(commands))


def _measured(commands: list[list[str]]) -> list[Timing]:
    began_s = time.monotonic()
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    timings: dict[int, Timing] = {}
    for _ in children:
        pid, status, usage = os.wait4(-1, 0) if len(children) > 1 else os.wait4(children[0].pid, 0)
        child = next(child for child in children if child.pid == pid)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.stdout
        told = child.stdout.read()
        child.stdout.close()
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, child.args)
        wall_s = time.monotonic() - began_s
        timings[pid] = Timing(wall_s, usage.ru_utime + usage.ru_stime, json.loads(told) if told.startswith(b"{") else {})
    return [timings[child.pid] for child in children]


def medium_at_rest(folder: Path) -> None:
    """Let the next run find nothing waiting to be written, for which the kernel would slow it down, and memory that is at hand:
    the host of a virtual machine takes freed memory back, and giving it again costs the next writer more than the writing.
    """
    os.sync()
    with tempfile.TemporaryFile(dir=folder) as scratch:
        for _ in range(_WARM_PIECES):
            scratch.write(_WARM_PIECE)


def rounds_of(cases: dict[str, Callable[[], Timing]], *, rounds: int = ROUNDS) -> list[dict[str, Timing]]:
    """Every case once per round, after a warm-up of each."""
    return [{name: case() for name, case in cases.items()} for _ in range(rounds + 1)][1:]


def ratio_case(
    name: str, rounds: list[dict[str, Timing]], ours: str, theirs: str, goal: dict[str, float], unit: str = "wall_s"
) -> dict[str, Any]:
    """Median of the ratios inside a round, with the medians of both sides."""
    values = [(getattr(r[ours], unit), getattr(r[theirs], unit)) for r in rounds]
    return {
        "case": name,
        "ours": round(statistics.median(mine for mine, _ in values), 3),
        "peer": round(statistics.median(peers for _, peers in values), 3),
        "ratio": round(statistics.median(mine / peers for mine, peers in values), 3),
        **goal,
    }


def peak_mib(rounds: list[dict[str, Timing]], name: str) -> float:
    """Most memory that any round of a case took."""
    return float(max(r[name].told["peak_rss_mib"] for r in rounds))


def qemu_img() -> str:
    """Path of the peer that every disk bench is measured against.

    Raises: SystemExit when it is not installed.
    """
    return shutil.which("qemu-img") or sys.exit("qemu-img is missing: install qemu-utils, then run this bench again.")


def result(name: str, cases: list[dict[str, Any]], rounds: int = ROUNDS, **figures: Any) -> dict[str, Any]:
    """A bench's answer in the common form."""
    version = subprocess.run([qemu_img(), "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return {
        "name": name,
        "unit": "seconds of wall or CPU time, MiB of memory",
        "runs": rounds,
        "peer_version": version,
        "cases": cases,
        "figures": figures,
    }
