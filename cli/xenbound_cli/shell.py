"""The world around a run: environment, terminal, clock, wire. Everything a test wants to replace is a field here."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

import httpx

from xenbound_cli.exits import UsageError


@dataclass(frozen=True, slots=True)
class Shell:
    """Where a run reads from and writes to. `transport` None means the real network."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    ask_secret: Callable[[str], str] = getpass.getpass
    transport: httpx.BaseTransport | None = None

    @property
    def is_interactive(self) -> bool:
        """Whether a person can be asked."""
        return self.stdin.isatty()

    def ask(self, question: str, *, instead: str) -> str:
        """A line from the person. Raises UsageError, naming what to give `instead`, when nobody can be asked."""
        if not self.is_interactive:
            raise UsageError(f"Nobody is at the terminal to answer: {question.strip()}", next_step=instead)
        self.stderr.write(question)
        self.stderr.flush()
        return self.stdin.readline().strip()

    def secret(self, question: str, *, variable: str) -> str:
        """A password: from `variable`, typed unseen at a terminal, or one line of standard input. Never from an argument.

        Raises: UsageError when there is none.
        """
        given = self.environ.get(variable) or self._typed(question)
        if not given:
            raise UsageError("No password was given.", next_step=f"Type it when asked, pipe it in, or set {variable}.")
        return given

    def _typed(self, question: str) -> str:
        if not self.is_interactive:
            return self.stdin.readline().rstrip("\r\n")
        try:
            return self.ask_secret(question)
        except EOFError:
            return ""
