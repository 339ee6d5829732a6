"""Watches a job to its end and shows how it goes, on standard error.

The job lives on the server: leaving here does not stop it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import Any

from xenbound_cli.exits import CannotReach, JobFailed
from xenbound_cli.session import Session
from xenbound_cli.shell import Shell
from xenbound_cli.texts import clean, size, span

ENDED = frozenset({"succeeded", "failed", "cancelled"})
FIRST_LOOK_S = 0.2
LONGEST_LOOK_S = 2.0
PATIENCE_S = 60.0
"""So long an unreachable server is asked again: a restart takes less."""
TOLD_EVERY_S = 5.0


def follow(session: Session, job: dict[str, Any]) -> dict[str, Any]:
    """The job as it ended well. Raises: JobFailed, CannotReach after a minute without an answer, KeyboardInterrupt."""
    progress, pause_s = Progress(session.shell, quiet=session.screen.quiet), FIRST_LOOK_S
    try:
        while job["state"] not in ENDED:
            progress.show(job)
            session.shell.sleep(pause_s)
            pause_s = min(LONGEST_LOOK_S, pause_s * 1.5)
            job = _look(session, job["id"])
    except (KeyboardInterrupt, CannotReach):
        progress.end()
        session.screen.note(
            f"The job goes on without us. Watch it: xenbound jobs watch {job['id']}; stop it: xenbound jobs cancel {job['id']}"
        )
        raise
    progress.end()
    if job["state"] != "succeeded":
        raise JobFailed(job)
    return job


def _look(session: Session, job_id: str) -> dict[str, Any]:
    """The job now. An unreachable server is asked again for a while: reading twice changes nothing."""
    give_up_at = session.shell.monotonic() + PATIENCE_S
    while True:
        try:
            return dict(session.api.get(f"jobs/{job_id}"))
        except CannotReach:
            if session.shell.monotonic() >= give_up_at:
                raise
            session.shell.sleep(LONGEST_LOOK_S)


def progress_line(job: dict[str, Any]) -> str:
    """`running  34 of 120 machines  12.0/s  7 s left  message`."""
    progress = job.get("progress") or {}
    done, total, unit = progress.get("done") or 0, progress.get("total"), progress.get("unit") or ""
    rate, left_s = progress.get("rate_per_s"), progress.get("eta_s")
    of_bytes = unit == "bytes"
    parts = [str(job.get("state", ""))]
    if total or done:
        reached = size(done) if of_bytes else str(done)
        whole = "" if total is None else f" of {size(total) if of_bytes else total}"
        parts.append(f"{reached}{whole}{'' if of_bytes else ' ' + unit}".rstrip())
    if rate:
        parts.append(f"{size(rate)}/s" if of_bytes else f"{rate:.1f}/s")
    if left_s is not None:
        parts.append(f"{span(left_s)} left")
    return clean("  ".join([*parts, str(job.get("message") or "")])).rstrip()


@dataclass(slots=True)
class Progress:
    """One line that is rewritten on a terminal; in a log a line at a change, every five seconds at most."""

    shell: Shell
    quiet: bool = False
    _last: str = ""
    _told_at_s: float = field(default=float("-inf"))

    def show(self, job: dict[str, Any]) -> None:
        """Show where the job stands, if that is news."""
        line = f"{clean(job.get('kind', 'job'))}  {progress_line(job)}"
        if self.quiet or line == self._last:
            return
        if self.shell.stderr.isatty():
            # One column stays free: a line that wraps could not be rewritten.
            self.shell.stderr.write(f"\r{line[: shutil.get_terminal_size().columns - 1]}\x1b[K")
        elif self.shell.monotonic() - self._told_at_s < TOLD_EVERY_S:
            return
        else:
            self.shell.stderr.write(line + "\n")
        self.shell.stderr.flush()
        self._last, self._told_at_s = line, self.shell.monotonic()

    def end(self) -> None:
        """Take the line away from a terminal."""
        if self._last and self.shell.stderr.isatty():
            self.shell.stderr.write("\r\x1b[K")
            self.shell.stderr.flush()
