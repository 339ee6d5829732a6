"""A small fuzzer that keeps what reaches new lines: mutates its corpus, watches which lines of the parsers run one after another.

For one thread and Python code only, which is what parsers here are. A corpus is a folder of files packed by zlib and named by
their hash.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

Target = Callable[[bytes], None]
Edge = tuple[CodeType, int, int]
SLOWEST_S = 5.0
NUMBERS = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x1FF, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)


class Watch:
    """Runs a target and collects which line followed which, in the files under `watched`."""

    def __init__(self, watched: str) -> None:
        self._watched = watched
        self._edges: set[Edge] = set()

    def run(self, target: Target, data: bytes) -> set[Edge]:
        """The edges of one run. Raises what the target raises."""
        self._edges = set()
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            target(data)
        finally:
            sys.settrace(before)
        return self._edges

    def _call(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        code = frame.f_code
        if self._watched not in code.co_filename:
            return None
        last, edges = 0, self._edges

        def line(frame: FrameType, event: str, _argument: Any) -> Any:
            nonlocal last
            if event == "line":
                edges.add((code, last, frame.f_lineno))
                last = frame.f_lineno
            return line

        return line


def fuzz(target: Target, seeds: list[bytes], *, seconds: float, seed: int, watched: str = "estate/disks") -> list[bytes]:
    """Fuzz for so long; gives the inputs that reached something no earlier one did, the seeds first.

    Raises AssertionError, with the input, when the target takes longer than 5 s; whatever else the target raises passes out.
    """
    rnd, watch, known = random.Random(seed), Watch(watched), set[Edge]()
    corpus: list[bytes] = []
    for data in seeds:
        known |= watch.run(target, data)
        corpus.append(data)
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        data = mutated(rnd, rnd.choice(corpus), rnd.choice(corpus))
        began_s = time.monotonic()
        try:
            edges = watch.run(target, data)
        except BaseException:
            print(f"the input that failed: {data!r}", file=sys.stderr)
            raise
        assert time.monotonic() - began_s < SLOWEST_S, data
        if not edges <= known:
            known |= edges
            corpus.append(data)
    return corpus


def mutated(rnd: random.Random, data: bytes, other: bytes) -> bytes:
    """A few changes of the kinds that parsers trip over."""
    content = bytearray(data)
    for _ in range(rnd.choice((1, 1, 2, 4, 8))):
        at = rnd.randrange(len(content) + 1) if rnd.random() < 0.5 else rnd.randrange(min(len(content), 600) + 1)
        kind = rnd.randrange(7)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << rnd.randrange(8)
        elif kind == 1:
            width = rnd.choice((1, 2, 4, 8))
            content[at : at + width] = (rnd.choice(NUMBERS) & ((1 << width * 8) - 1)).to_bytes(width, "little")
        elif kind == 2:
            del content[at : at + rnd.choice((1, 8, 512, 2048))]
        elif kind == 3:
            length = rnd.choice((1, 8, 512, 1024))
            content[at:at] = content[at : at + length]
        elif kind == 4:
            length = rnd.choice((8, 512, 4096))
            content[at : at + length] = other[at : at + length]
        elif kind == 5:
            content[at : at + 512] = bytes(len(content[at : at + 512]))
        else:
            content[at : at + 4] = rnd.randbytes(4)
    return bytes(content[: 64 << 10])


def load(folder: Path) -> list[bytes]:
    """The inputs kept in a folder, in a fixed order."""
    return [zlib.decompress(path.read_bytes()) for path in sorted(folder.glob("*.z"))] if folder.is_dir() else []


def keep(folder: Path, corpus: list[bytes]) -> None:
    """Store inputs under their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    for data in corpus:
        (folder / f"{hashlib.sha256(data).hexdigest()[:16]}.z").write_bytes(zlib.compress(data, 9))
