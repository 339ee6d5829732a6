"""How a command ends: the exit codes, and the errors that carry one. A traceback is never part of it.

Every error names what is wrong and, where one is known, the next step and the server's stable code.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What a script learns from a run."""

    DONE = 0
    FAILED = 1
    """The server refused, or the job failed."""
    USAGE = 2
    """The command line cannot be understood; nothing was asked of the server."""
    NOT_READY = 3
    """The gate is closed, or the pool or the KMS count is not ready."""
    CANNOT_REACH = 4
    """The server cannot be reached, or you may not do this."""
    INTERRUPTED = 130


GATE_CODES = frozenset({"gate_closed", "gate_stale"})
SIGN_IN = "The token is expired, revoked or of another server: run xenbound login."
OUT_OF_REACH = frozenset({401, 403, 429, 502, 503, 504})


def exit_code_of(code: str, status: int = 0) -> ExitCode:
    """The exit code for a problem's stable code and HTTP status (0 for a job's error, which has none)."""
    if code in GATE_CODES:
        return ExitCode.NOT_READY
    return ExitCode.CANNOT_REACH if status in OUT_OF_REACH else ExitCode.FAILED


class CliError(Exception):
    """Root of what ends a command early. `document` is what the API gave, for `--json`."""

    exit_code = ExitCode.FAILED

    def __init__(self, detail: str, *, code: str = "", next_step: str = "", document: Any = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.next_step = next_step
        self.document = document


class UsageError(CliError):
    """What was typed cannot be meant."""

    exit_code = ExitCode.USAGE


class CannotReach(CliError):
    """No answer of a Xenbound server came back, or nobody is signed in."""

    exit_code = ExitCode.CANNOT_REACH


class Refused(CliError):
    """The server answered with a problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        code = str(problem.get("code", ""))
        super().__init__(
            str(problem.get("detail") or problem.get("title") or f"The server answered {status}."),
            code=code,
            next_step=SIGN_IN if code == "not_signed_in" else str(problem.get("next_step", "")),
            document=problem,
        )
        self.status = status
        self.exit_code = exit_code_of(code, status)


class JobFailed(CliError):
    """A job ended otherwise than hoped for; `document` is the job."""

    def __init__(self, job: dict[str, Any]) -> None:
        error = job.get("error") or {}
        code = str(error.get("code", ""))
        told = error.get("message") or job.get("message") or "no reason was given"
        super().__init__(
            f"{job.get('kind')} {job.get('state')}: {told}", code=code, next_step=str(error.get("next_step", "")), document=job
        )
        self.exit_code = exit_code_of(code)
