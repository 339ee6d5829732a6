"""Starting and stopping a VM so that afterwards it is known what it does: an operation still under way counts as neither.

xapi checks whether a VM may start when the operation begins: neither a block nor a look at its power state ends one at work.
"""

from __future__ import annotations

import time
from typing import Any

import structlog

from estate.errors import AskPerson, EdgeError
from estate.xapi import tasks
from estate.xapi.session import XapiSession

log = structlog.get_logger(__name__)

_POWER_DEADLINE_S = 600.0
_REST_DEADLINE_S = 60.0
_POLL_S = 0.25
_STARTS = ("start", "start_on")
BRINGS_UP = frozenset({*_STARTS, "resume", "resume_on", "unpause", "clean_reboot", "hard_reboot"})
"""Operations after which a VM may run. Others that a halted VM bears for hours (a backup's export, a copy) leave it halted."""


class NotAtRest(AskPerson):
    """The pool is still at work on the VM, so that nobody can say whether it will run."""

    code = "vm_not_at_rest"


def power_state(session: XapiSession, vm_uuid: str) -> str:
    """`Halted`, `Running`, `Paused` or `Suspended`, as XAPI spells it."""
    return str(session.call("VM.get_power_state", session.call("VM.get_by_uuid", vm_uuid)))


def start(session: XapiSession, vm_uuid: str, *, on_host_uuid: str | None = None) -> None:
    """Start the VM, on a certain host if one is named, and wait until it runs. A running VM is left alone.

    A refusal, or a line that broke, is none where the VM runs all the same: somebody else was faster, or the answer was lost.

    Raises:
        EdgeError: no host can run it, it is blocked, or it did not start in ten minutes.
    """
    vm = session.call("VM.get_by_uuid", vm_uuid)
    if session.call("VM.get_power_state", vm) == "Running":
        return
    call: tuple[Any, ...] = ("VM.start", vm, False, False)
    if on_host_uuid is not None:
        call = ("VM.start_on", vm, session.call("host.get_by_uuid", on_host_uuid), False, False)
    what = f"starting {session.call('VM.get_name_label', vm)}"
    try:
        tasks.run_or_cancel(session, *call, deadline_s=_POWER_DEADLINE_S, what=what)
    except EdgeError as refused:
        if _came_to(session, vm)[0] != "Running":
            raise
        log.info("xapi.vm_runs_all_the_same", pool=session.name, vm=vm_uuid, code=refused.code)


def shut_down(session: XapiSession, vm_uuid: str, *, force: bool = False) -> None:
    """Shut the VM down by its guest, or cut its power with `force`. Returns once it is halted and nothing is at work on it.

    A start that is still under way is cancelled, waited for, and undone if it comes up all the same.

    Raises:
        NotAtRest: the pool is still at work on it after a minute.
        EdgeError: the guest cannot be asked, or did not obey in ten minutes.
    """
    vm = session.call("VM.get_by_uuid", vm_uuid)
    _cancel_starts(session, vm)
    if _is_off(session, vm):
        return
    method = "VM.hard_shutdown" if force else "VM.clean_shutdown"
    what = f"shutting down {session.call('VM.get_name_label', vm)}"
    tasks.run_or_cancel(session, method, vm, deadline_s=_POWER_DEADLINE_S, what=what)
    if not _is_off(session, vm):
        raise _not_at_rest(session, vm, *_came_to(session, vm))


def _cancel_starts(session: XapiSession, vm: str) -> None:
    """Ask the pool to end starts that somebody began: a worker that died, or a person. It need not obey."""
    for task, operation in session.call("VM.get_current_operations", vm).items():
        if operation in _STARTS:
            tasks.cancel(session, task)


def _is_off(session: XapiSession, vm: str) -> bool:
    """Whether the VM is halted; proven, not only seen. Raises: NotAtRest."""
    state, operations = _came_to(session, vm)
    if operations:
        raise _not_at_rest(session, vm, state, operations)
    return state == "Halted"


def _came_to(session: XapiSession, vm: str) -> tuple[str, list[str]]:
    """The VM's power state, and what may still change it: starts, and whatever brings a halted VM up; waits a minute for its end.

    One record tells both, so that no operation ends unseen between two questions. A VM shows as running before its start is over.
    """
    end_s = time.monotonic() + _REST_DEADLINE_S
    while True:
        record = session.call("VM.get_record", vm)
        state, at_work = str(record["power_state"]), set(record["current_operations"].values())
        unsettled = sorted(at_work.intersection(BRINGS_UP if state == "Halted" else _STARTS))
        if not unsettled or time.monotonic() > end_s:
            return state, unsettled
        session.alive()
        time.sleep(_POLL_S)


def _not_at_rest(session: XapiSession, vm: str, state: str, operations: list[str]) -> NotAtRest:
    name = session.call("VM.get_name_label", vm)
    return NotAtRest(
        f"{session.name}: {name} is {state}, and the pool is at work on it ({', '.join(operations) or 'no operation shown'}): "
        "nobody can say that it stays off",
        next_step="Look at the VM's tasks in the pool and cancel them, or wait for their end; then ask for the same again.",
        where=session.name,
    )
