"""The process that parses, as its parent sees it: sheets asked for ahead, answers read as they come.

A thread drains the pipe, so that the process parses the next sheet while the rows of this one are made into something. At most
`AHEAD_BYTES` wait.
"""

from __future__ import annotations

import contextlib
import datetime
import io
import json
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from threading import Condition, Thread
from typing import IO, Any

from estate.sheets.errors import WorkbookNotReadable, WorkbookTooLarge
from estate.sheets.sheet import Limits, Row

AHEAD_BYTES = 48 << 20
PIPE_BYTES = 1 << 20
_PROCESS = Path(__file__).with_name("parsing_process.py")
_LENGTH_BYTES = 4


class _Plain(pickle.Unpickler):
    """Takes values and dates, nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "datetime" and name in ("date", "datetime", "time", "timedelta"):
            return getattr(datetime, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


class _Ahead:
    """Messages that have come and were not taken yet."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._ended = self._closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="workbook-reader", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed:
            length = self._pipe.read(_LENGTH_BYTES)
            message = self._pipe.read(int.from_bytes(length, "big")) if len(length) == _LENGTH_BYTES else b""
            with self._changed:
                self._ended = not message
                if message:
                    self._waiting.append(message)
                    self._waiting_bytes += len(message)
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or self._waiting_bytes < AHEAD_BYTES)
            if self._ended:
                return

    def take(self) -> bytes:
        """The next message; empty when the process has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            if not self._waiting:
                return b""
            message = self._waiting.popleft()
            self._waiting_bytes -= len(message)
            self._changed.notify_all()
            return message

    def close(self) -> None:
        """End the thread; the process has been killed before, so that its pipe ends."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._pipe.close()


class Parser:
    """One workbook being parsed; ends with its block."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._name = path.name
        self._asked: deque[str] = deque()
        numbers = (limits.memory_bytes, limits.cpu_s, limits.rows, limits.columns)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file; the path is an argument of its own
            [sys.executable, "-I", str(_PROCESS), str(path), *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=PIPE_BYTES,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asks, self._answers = self._process.stdin, _Ahead(self._process.stdout)

    def __enter__(self) -> Parser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._answers.close()
        with contextlib.suppress(OSError):
            self._asks.close()

    def ask(self, sheet: str, unread: Collection[str]) -> None:
        """Have a sheet parsed, unless it has been asked for and not been begun yet; columns `unread` names stay behind."""
        if sheet in self._asked:
            return
        self._asked.append(sheet)
        with contextlib.suppress(OSError):  # a process that ended says so in its answer
            self._asks.write(json.dumps([sheet, *unread]).encode() + b"\n")
            self._asks.flush()

    def begin(self, sheet: str) -> tuple[int, int, int, Sequence[int]]:
        """First row, last row and last column that are filled, from 0, and the columns that come: each row has these.

        Sheets asked for before it are passed over.
        """
        while self._asked.popleft() != sheet:
            self.answer("sheet")
            for _ in self.batches(0):
                """Rows of a sheet that nobody wants any more."""
        first_row, last_row, last_column, columns = self.answer("sheet")
        return first_row, last_row, last_column, columns

    def batches(self, first: int) -> Iterator[tuple[int, Sequence[Row]]]:
        """Rows as they come, each batch with the number of its first row."""
        while (message := self._next())[0] == "rows":
            yield first, message[1]
            first += len(message[1])

    def answer(self, kind: str) -> tuple[Any, ...]:
        """The next message, which must be of this kind."""
        message = self._next()
        if message[0] != kind:
            raise WorkbookNotReadable(f"{self._name} cannot be read", where=self._name)
        return message[1:]

    def _next(self) -> tuple[Any, ...]:
        packed = self._answers.take()
        message: tuple[Any, ...] = _Plain(io.BytesIO(packed)).load() if packed else ("too_large",)
        if message[0] == "too_large":
            raise WorkbookTooLarge(f"{self._name} needs more memory or time to read than it may take", where=self._name)
        if message[0] == "broken":
            raise WorkbookNotReadable(f"{self._name} is damaged: {message[1]}", where=self._name)
        return message
