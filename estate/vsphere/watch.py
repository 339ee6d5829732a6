"""Waiting for one object to reach a state: a private collector, never a read per second.

Used for tasks, leases and power states. How long to wait is the caller's decision.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from pyVmomi import vmodl

from estate.errors import EdgeError, Wait
from estate.vsphere.errors import SessionExpired
from estate.vsphere.session import VsphereSession

log = structlog.get_logger(__name__)

STEP_S = 2
_Collector = vmodl.query.PropertyCollector


class DeadlinePassed(Wait):
    """The object did not get there in time; it may still do so."""

    code = "deadline_passed"


def wait_until(
    session: VsphereSession,
    target: Any,
    paths: tuple[str, ...],
    done: Callable[[dict[str, Any]], bool],
    *,
    deadline_s: float,
    where: str,
    alive: Callable[[], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Watch `paths` of a managed object until `done(values)` and return the values (pyVmomi's, by path; unset is absent).

    `alive` is called every `STEP_S` seconds and may raise to stop. When the session expires, it is logged in again once
    and the watch begins anew.

    Raises:
        DeadlinePassed: `deadline_s` seconds went by.
        EdgeError: any fault.
    """
    until = clock() + deadline_s
    may_log_in = True
    while True:
        logins = session.logins
        try:
            for values in _changes(session, target, paths, where):
                if done(values):
                    return values
                if alive is not None:
                    alive()
                if clock() >= until:
                    raise _too_late(where, deadline_s)
        except SessionExpired:
            if not may_log_in:
                raise
            may_log_in = False
            session.login_again(seen=logins)


def _too_late(where: str, deadline_s: float) -> DeadlinePassed:
    return DeadlinePassed(
        f"{where} was not ready within {deadline_s:.0f} s",
        next_step="Look at the machine and its tasks in the vSphere Client.",
        where=where,
    )


def _changes(session: VsphereSession, target: Any, paths: tuple[str, ...], where: str) -> Iterator[dict[str, Any]]:
    """The watched values after each change, and at least every `STEP_S` seconds. Endless."""
    values: dict[str, Any] = {}
    version = ""
    with _private_collector(session, target, paths, where) as collector:
        while True:
            with session.translated(where):
                update = collector.WaitForUpdatesEx(version, _Collector.WaitOptions(maxWaitSeconds=STEP_S))
            if update is not None:
                version = update.version
                _apply(update, values)
            yield values


def _apply(update: Any, values: dict[str, Any]) -> None:
    for seen in (each for filtered in update.filterSet for each in filtered.objectSet):
        for change in seen.changeSet:
            if change.op == "assign" and change.val is not None:
                values[change.name] = change.val
            else:
                values.pop(change.name, None)


@contextmanager
def _private_collector(session: VsphereSession, target: Any, paths: tuple[str, ...], where: str) -> Iterator[Any]:
    spec = _Collector.FilterSpec(
        objectSet=[_Collector.ObjectSpec(obj=target, skip=False)],
        propSet=[_Collector.PropertySpec(type=type(target), all=False, pathSet=list(paths))],
    )
    with session.translated(where):
        collector = session.content.propertyCollector.CreatePropertyCollector()
    logins = session.logins
    try:
        with session.translated(where):
            collector.CreateFilter(spec, False)
        yield collector
    finally:
        if session.logins == logins:
            _destroy(session, collector)


def _destroy(session: VsphereSession, collector: Any) -> None:
    try:
        with session.translated():
            collector.DestroyPropertyCollector()
    except EdgeError as error:
        # It dies with the session anyway.
        log.info("vsphere.collector_left_behind", endpoint=session.where, code=error.code)
