"""Operations at work: what `current_operations` shows of an object while a call is past its checks and not done yet.

An armed fault `pending` makes one of them take its time. Source: xapi's message forwarding notes the operation under the task's
reference once all checks are passed, refuses what may not run beside it, and takes the note away at the end, whatever that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.xapi_sim.context import Context
from lab.xapi_sim.failure import XapiFailure
from lab.xapi_sim.pool import Pool
from lab.xapi_sim.store import new_ref
from lab.xapi_sim.vm_rules import refresh_allowed_operations

OBEDIENT = ("VM.start", "VM.start_on")
"""Methods that obey task.cancel; the storage manager ends what it began."""


@contextmanager
def at_work(context: Context, class_name: str, ref: str, operation: str, *, method: str) -> Iterator[None]:
    """Show the operation on the object while the body works, after the armed delay.

    Raises:
        XapiFailure: TASK_CANCELLED, when its task was cancelled during the delay.
    """
    key = context.task or new_ref()
    _note(context.pool, class_name, ref, lambda current: current | {key: operation})
    try:
        _pend(context, method)
        yield
    finally:
        _note(context.pool, class_name, ref, lambda current: {each: kind for each, kind in current.items() if each != key})


def _note(pool: Pool, class_name: str, ref: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    if not pool.store.has(class_name, ref):
        return
    pool.store.set(class_name, ref, current_operations=change(pool.store.get(class_name, ref, "current_operations")))
    if class_name == "VM":
        refresh_allowed_operations(pool, ref)


def _pend(context: Context, method: str) -> None:
    """The lock is free for others meanwhile."""
    pool = context.pool
    fault = pool.faults.take("pending", lambda fault: fault["method"] == method)
    if fault is None:
        return
    obeys = method in OBEDIENT and not fault.get("stubborn", False)
    begun = pool.faults.clearings

    def is_over() -> bool:
        cancelled = obeys and pool.tasks.is_cancelling(context.task)
        return cancelled or pool.clock.stopped or pool.faults.clearings != begun

    pool.store.changed.wait_for(is_over, fault["seconds"])
    if obeys:
        pool.tasks.check(context.task)


def check_idle(pool: Pool, vm: str) -> None:
    """Nothing else is at work on the VM.

    Raises:
        XapiFailure: OTHER_OPERATION_IN_PROGRESS [class, ref, operation, task].
    """
    for task, operation in pool.store.get("VM", vm, "current_operations").items():
        raise XapiFailure("OTHER_OPERATION_IN_PROGRESS", "VM", vm, operation, task)
