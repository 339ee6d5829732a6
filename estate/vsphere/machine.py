"""One object at a time, mostly a VM: read a few of its properties, wait for a task. Whole estates are read in `inventory`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from pyVmomi import vim, vmodl

from estate.errors import AskPerson
from estate.vsphere.errors import SessionExpired, translate
from estate.vsphere.inventory.values import SourceObject, source_object
from estate.vsphere.session import VsphereSession
from estate.vsphere.watch import wait_until

_Collector = vmodl.query.PropertyCollector
_KINDS = {vim.VirtualMachine: "the machine", vim.Datastore: "the datastore"}


def machine(session: VsphereSession, vm_id: str) -> Any:
    """The managed VM of a moref value."""
    return session.managed(vim.VirtualMachine, vm_id)


def read_machine(session: VsphereSession, vm_id: str, paths: tuple[str, ...]) -> SourceObject:
    """Read paths of one VM.

    Raises:
        AskPerson: the VM no longer exists (`object_gone`).
        EdgeError: any other fault.
    """
    return read_object(session, vim.VirtualMachine, vm_id, paths)


def read_object(session: VsphereSession, kind: type[Any], native_id: str, paths: tuple[str, ...]) -> SourceObject:
    """The same of any managed object."""
    logins = session.logins
    try:
        return _read(session, kind, native_id, paths)
    except SessionExpired:
        session.login_again(seen=logins)
        return _read(session, kind, native_id, paths)


def _read(session: VsphereSession, kind: type[Any], native_id: str, paths: tuple[str, ...]) -> SourceObject:
    spec = _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=session.managed(kind, native_id), skip=False)],
        propSet=[_Collector.PropertySpec(type=kind, all=False, pathSet=list(paths))],
    )
    answer = session.bulk(session.content.propertyCollector, "RetrievePropertiesEx", [spec], _Collector.RetrieveOptions())
    found = [source_object(copy.deepcopy(element), {}) for element in answer]
    if found:
        return found[0]
    raise AskPerson(
        f"{session.where} no longer has {_KINDS.get(kind, kind.__name__)} {native_id}",
        code="object_gone",
        next_step="Collect the inventory again and plan with what is there.",
        where=session.where,
    )


def run_task(
    session: VsphereSession,
    start: Callable[[], Any],
    *,
    where: str,
    deadline_s: float,
    alive: Callable[[], None] | None = None,
) -> None:
    """Start a task and wait for its end.

    Raises:
        DeadlinePassed: it still runs after `deadline_s` seconds.
        EdgeError: it was refused, or it failed.
    """
    task = session.call(start, where=where)
    values = wait_until(
        session,
        task,
        ("info.state", "info.error"),
        lambda seen: seen.get("info.state") in ("success", "error"),
        deadline_s=deadline_s,
        where=where,
        alive=alive,
    )
    if values["info.state"] == "error":
        fault = values.get("info.error") or vmodl.MethodFault(msg="the task failed without a reason")
        raise translate(fault, where=f"{session.where}, {where}") from fault
