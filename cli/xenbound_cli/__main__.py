"""`xenbound` and `python -m xenbound_cli`: the process around main.py."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from xenbound_cli.exits import ExitCode
from xenbound_cli.main import main


def run() -> None:
    """Entry point: run the command line and leave with its exit code."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        _never_fail_to_convert(stream, errors)
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough; what is still buffered must not be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = int(ExitCode.FAILED)
    sys.exit(code)


def _never_fail_to_convert(stream: TextIO, errors: str) -> None:
    """A machine's name may hold characters the terminal's encoding lacks: show an escape instead of a traceback."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors=errors)


if __name__ == "__main__":
    run()
