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
_LET_GO_S = 30.0
_OPEN = ("pending", "cancelling")


def create(session: XapiSession, label: str, description: str) -> str:
    """A task of our own, for HTTP requests whose outcome only a task tells. Gives its reference."""
    return str(session.call("task.create", label, description))


def wait(
    session: XapiSession,
    task: str,
    *,
    deadline_s: float,
    what: str,
    alive: Callable[[], None] | None = None,
    pause: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> str:
    """Wait for a task and give its result text. `what` says in a few words what is being waited for; `alive` ends the wait by
    raising, the session's own if none is given.

    Raises:
        TaskStuck: it is still pending after `deadline_s`.
        EdgeError: the task's failure, translated.
    """
    alive = alive or session.alive
    end_s = monotonic() + deadline_s
    poll_s = _FIRST_POLL_S
    while (status := str(session.call("task.get_status", task))) in _OPEN:
        if monotonic() > end_s:
            raise TaskStuck(
                f"{session.name}: {what} did not end within {deadline_s:.0f} s",
                next_step="Look at the pool's tasks and at the storage behind the SR; cancel the task, then start again.",
                where=session.name,
            )
        for nap_s in _naps(poll_s):
            alive()
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
    """Wait until a task is no longer at work, whatever its outcome; give up silently at the deadline."""
    end_s = time.monotonic() + deadline_s
    while _is_open(session, task) and time.monotonic() < end_s:
        alive()
        time.sleep(_FIRST_POLL_S)


def created_ref(result: str) -> str:
    """The reference in a task's result, which is an XML-RPC value in text form. Raises: UnexpectedXapiError."""
    found = _REFERENCE.search(result)
    if found is None:
        raise UnexpectedXapiError(f"the pool's task gave no reference but {result[:80]!r}", next_step="Look at the pool's tasks.")
    return found[0]


def cancel(session: XapiSession, task: str) -> None:
    """Ask the pool to end a task; it may go on all the same, or have ended. A refusal is only noted."""
    try:
        session.call("task.cancel", task)
    except EdgeError as error:
        log.info("xapi.task_not_cancelled", pool=session.name, code=error.code)


def run(session: XapiSession, method: str, *parameters: Any, deadline_s: float, what: str) -> str:
    """Call `Async.<method>` and wait for it: for operations that may outlast a request's timeout.

    One that is no longer waited for goes on in the pool, and its task stays to be looked at.

    Raises: as `wait`.
    """
    task = str(session.call(f"Async.{method}", *parameters))
    try:
        return wait(session, task, deadline_s=deadline_s, what=what)
    finally:
        _clear(session, task)


def run_or_cancel(session: XapiSession, method: str, *parameters: Any, deadline_s: float, what: str) -> str:
    """As `run`; but what is no longer waited for (deadline, cancelled job, stopping worker) is cancelled in the pool, and its end
    waited for a while.
    """
    task = str(session.call(f"Async.{method}", *parameters))
    try:
        return wait(session, task, deadline_s=deadline_s, what=what)
    except BaseException:
        _let_go(session, task, what)
        raise
    finally:
        _clear(session, task)


def run_to_end(session: XapiSession, method: str, *parameters: Any, deadline_s: float, what: str) -> str:
    """As `run`; but nothing ends the wait save its deadline: what is made or removed has to be known to whoever is stopped."""
    task = str(session.call(f"Async.{method}", *parameters))
    try:
        return wait(session, task, deadline_s=deadline_s, what=what, alive=_go_on)
    finally:
        _clear(session, task)


def _go_on() -> None:
    """Stands for `alive` where nobody may end the wait."""


def _let_go(session: XapiSession, task: str, what: str) -> None:
    """What fails in here is noted: an error is already on its way."""
    try:
        if _is_open(session, task):
            cancel(session, task)
            wait_until_ended(session, task, deadline_s=_LET_GO_S, alive=_go_on)
    except EdgeError as error:
        log.warning("xapi.task_not_awaited", pool=session.name, what=what, code=error.code)


def _clear(session: XapiSession, task: str) -> None:
    """Clear the task away if it has ended; one that is pending is the only trace of what the pool still does."""
    try:
        if not _is_open(session, task):
            destroy(session, task)
    except EdgeError as error:
        log.info("xapi.task_left_behind", pool=session.name, code=error.code)


def _is_open(session: XapiSession, task: str) -> bool:
    return str(session.call("task.get_status", task)) in _OPEN
