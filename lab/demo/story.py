"""How the demonstration speaks: one line per stage with its figure and the seconds it took, sentences in between."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stage:
    """One stage under way; set `figure` to what it reached."""

    title: str
    figure: str = ""


@dataclass
class Story:
    """The teller. `began_s` is on the monotonic clock."""

    began_s: float = field(default_factory=time.monotonic)
    number: int = 0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.began_s

    def tell(self, text: str) -> None:
        """A sentence between the stages."""
        self._print(f"         {text}")

    @contextmanager
    def stage(self, title: str) -> Iterator[Stage]:
        """Run one stage and print its line when it ends."""
        self.number += 1
        began_s = time.monotonic()
        running = Stage(title)
        yield running
        self._print(f"{self.elapsed_s:6.1f} s {self.number:2d}. {title}: {running.figure} ({time.monotonic() - began_s:.1f} s)")

    @staticmethod
    def _print(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
