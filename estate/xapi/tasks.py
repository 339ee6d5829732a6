"""Tasks of a pool: making one, waiting for its end with a deadline, clearing it away."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog

from estate.errors import EdgeError
from estate.xapi.errors import TaskStuck, UnexpectedXapiError
from estate.xapi.session import XapiSession

log = structlog.get_logger(__name__)

_REFERENCE = re.compile(r"OpaqueRef:[0-9A-Za-z-]+")
_FIRST_POLL_S = 0.05
_SLOWEST_POLL_S = 2.0
_NAP_S = 0.25
"""A cancelled job does not wait for the next look at its task."""


def create(session: XapiSession, label: str, description: str) -> str:
    """A task of our own, for HTTP requests whose outcome only a task tells. Gives its reference."""
    return str(session.call("task.create", label, description))


def wait(
    session: XapiSession,
    task: str,
    *,
    deadline_s: float,
    what: str,
    pause: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> str:
    """Wait for a task and give its result text. `what` says in a few words what is being waited for.

    Raises:
        TaskStuck: it is still pending after `deadline_s`.
        EdgeError: the task's failure, translated.
    """
    end_s = monotonic() + deadline_s
    poll_s = _FIRST_POLL_S
    while (status := str(session.call("task.get_status", task))) in ("pending", "cancelling"):
        if monotonic() > end_s:
            raise TaskStuck(
                f"{session.name}: {what} did not end within {deadline_s:.0f} s",
                next_step="Look at the pool's tasks and at the storage behind the SR; cancel the task, then start again.",
                where=session.name,
            )
        for nap_s in _naps(poll_s):
            session.alive()
            pause(nap_s)
        poll_s = min(poll_s * 1.5, _SLOWEST_POLL_S)
    if status == "success":
        return str(session.call("task.get_result", task))
    raise session.translate(failure_of(session, task, status), where=f"{session.name}, {what}")


def _naps(whole_s: float) -> Iterator[float]:
    """A pause in parts."""
    while whole_s > 0:
        yield min(whole_s, _NAP_S)
        whole_s -= _NAP_S


def failure_of(session: XapiSession, task: str, status: str) -> list[str]:
    """The error description of a task that did not succeed."""
    if status == "cancelled":
        return ["TASK_CANCELLED", what_of(session, task)]
    return [str(part) for part in session.call("task.get_error_info", task)] or ["TASK_FAILED_WITHOUT_REASON", status]


def what_of(session: XapiSession, task: str) -> str:
    """The task's label."""
    return str(session.call("task.get_name_label", task))


def destroy(session: XapiSession, task: str) -> None:
    """Clear a finished task away. The pool does it itself after an hour, so a refusal is only noted."""
    try:
        session.call("task.destroy", task)
    except EdgeError as error:
        log.info("xapi.task_left_behind", pool=session.name, code=error.code)


def wait_until_ended(session: XapiSession, task: str, *, deadline_s: float, alive: Callable[[], None]) -> None:
    """Wait until a task is no longer pending, whatever its outcome; give up silently at the deadline."""
    end_s = time.monotonic() + deadline_s
    while str(session.call("task.get_status", task)) == "pending" and time.monotonic() < end_s:
        alive()
        time.sleep(_FIRST_POLL_S)


def created_ref(result: str) -> str:
    """The reference in a task's result, which is an XML-RPC value in text form. Raises: UnexpectedXapiError."""
    found = _REFERENCE.search(result)
    if found is None:
        raise UnexpectedXapiError(f"the pool's task gave no reference but {result[:80]!r}", next_step="Look at the pool's tasks.")
    return found[0]


def run(session: XapiSession, method: str, *parameters: Any, deadline_s: float, what: str) -> str:
    """Call `Async.<method>` and wait for it: for operations that may outlast a request's timeout.

    Raises: as `wait`.
    """
    task = str(session.call(f"Async.{method}", *parameters))
    try:
        return wait(session, task, deadline_s=deadline_s, what=what)
    finally:
        destroy(session, task)
