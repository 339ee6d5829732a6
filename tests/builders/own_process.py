"""A callable run in a fresh process, with the most memory that it and its own children ever had: nobody else's counts."""

from __future__ import annotations

import multiprocessing
import resource
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What it returned; `peak_mib` is of the process or of its largest child, whichever is more."""

    result: Any
    peak_mib: float


def measured(function: Callable[..., Any], *arguments: Any) -> Measured:
    """Run `function` and wait. Raises: AssertionError with the traceback of whatever it raised, or when it died."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(there, function, arguments))
    process.start()
    there.close()
    try:
        error, result, peak_mib = here.recv()
    except EOFError:
        process.join()
        raise AssertionError(f"the process died with {process.exitcode}") from None
    process.join()
    assert not error, error
    return Measured(result, peak_mib)


def _run(there: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        result, error = function(*arguments), ""
    except BaseException:
        result, error = None, traceback.format_exc()
    there.send((error, result, max(_own_mib(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)))


def _own_mib() -> float:
    """Most memory since this program was started (Linux); the usage figures would count the parent's from before."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024
