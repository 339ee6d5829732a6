"""Tasks: what runs for a while and then has succeeded or failed.

The work itself is given as a function; it runs under the registry's lock when the task's time is up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl
from pyVmomi.VmomiSupport import GetWsdlMethod

from lab.vcenter_sim.center import Center
from lab.vcenter_sim.neutral import make
from lab.vcenter_sim.wire import NAMESPACE

KEPT = 200


@dataclass(slots=True)
class _TaskRecord:
    moid: str
    method_name: str
    entity: Any
    entity_name: str
    queued_at: Any
    started_at: Any
    state: str = "running"
    completed_at: Any = None
    progress: int | None = 0
    result: Any = None
    error: Any = None


def start_task(center: Center, method_name: str, entity: Any, entity_name: str, lab_s: float, work: Callable[[], Any]) -> Any:
    """Start a task that does `work` after `lab_s` lab seconds and return its reference.

    `work` returns the task's result, or raises a vmodl.MethodFault, which becomes the task's error.
    """
    now = center.now()
    record = _TaskRecord(f"task-{center.next_number('task')}", method_name, entity, entity_name, now, now)
    center.registry.add(vim.Task, record.moid, {"info": lambda: _info(record)})
    center.later(lab_s, lambda: _finish(center, record, work))
    old = int(record.moid.removeprefix("task-")) - KEPT
    if old > 0:
        center.registry.remove(f"task-{old}")
    return vim.Task(record.moid)


def _finish(center: Center, record: _TaskRecord, work: Callable[[], Any]) -> None:
    with center.registry.changed:
        try:
            record.result, record.state = work(), "success"
        except vmodl.MethodFault as refusal:
            record.error, record.state = refusal, "error"
        record.progress, record.completed_at = None, center.now()
        center.registry.touch(record.moid)


def _info(record: _TaskRecord) -> Any:
    return make(
        vim.TaskInfo,
        key=record.moid,
        task=vim.Task(record.moid),
        name=GetWsdlMethod(NAMESPACE, record.method_name),
        descriptionId=f"VirtualMachine.{record.method_name.removesuffix('_Task')}",
        entity=record.entity,
        entityName=record.entity_name,
        state=record.state,
        cancelled=False,
        cancelable=False,
        queueTime=record.queued_at,
        startTime=record.started_at,
        completeTime=record.completed_at,
        progress=record.progress,
        result=record.result,
        error=record.error,
        reason=make(vim.TaskReasonUser, userName="lab"),
        eventChainId=int(record.moid.removeprefix("task-")),
    )
