"""Waiting for changes: filters of a collector, and what differs from what the client has seen.

A filter remembers the text of every value it sent; a difference in text is a change. Selecting is collector.py's work.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from pyVmomi import vmodl

from lab.vcenter_sim.center import Center
from lab.vcenter_sim.collector import VAL, Row, read, select_rows
from lab.vcenter_sim.neutral import make
from lab.vcenter_sim.wire import serializer

query = vmodl.query.PropertyCollector
LONGEST_WAIT_S = 600.0
Seen = dict[str, dict[str, str]]


@dataclass(slots=True)
class Filter:
    """One filter of a collector: what it selects and what the client knows of it."""

    moid: str
    spec: Any
    seen: Seen = field(default_factory=dict)
    refs: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Collector:
    """A property collector of one session; `version` counts the updates it has handed out."""

    moid: str
    filters: dict[str, Filter] = field(default_factory=dict)
    version: int = 0
    waiting: int = 0
    cancelled: bool = False


def wait(center: Center, collector: Collector, version: str | None, max_wait_s: float | None, limit: int | None, api: str) -> Any:
    """The next UpdateSet, or None when `max_wait_s` passed without a change.

    Raises:
        vmodl.query.InvalidCollectorVersion: `version` is not the one handed out last.
        vmodl.fault.RequestCanceled: CancelWaitForUpdates was called meanwhile.
    """
    _check_version(collector, version)
    deadline = time.monotonic() + (LONGEST_WAIT_S if max_wait_s is None else max_wait_s)
    looked_at = -1
    with center.registry.changed:
        while True:
            if center.registry.generation != looked_at:
                looked_at = center.registry.generation
                found, truncated = _differences(center, collector, limit, api)
                if found:
                    collector.version += 1
                    return make(query.UpdateSet, version=str(collector.version), filterSet=found, truncated=truncated or None)
            left_s = deadline - time.monotonic()
            if left_s <= 0 or center.stopping.is_set():
                return None
            _sleep(center, collector, min(left_s, 1.0))


def cancel(center: Center, collector: Collector) -> None:
    """Make the waits of this collector that are under way end with RequestCanceled."""
    with center.registry.changed:
        collector.cancelled = collector.waiting > 0
        center.registry.changed.notify_all()


def _sleep(center: Center, collector: Collector, longest_s: float) -> None:
    collector.waiting += 1
    try:
        center.registry.changed.wait(longest_s)
    finally:
        collector.waiting -= 1
    if collector.cancelled:
        collector.cancelled = collector.waiting > 0
        raise vmodl.fault.RequestCanceled(msg="the wait was cancelled")


def _check_version(collector: Collector, version: str | None) -> None:
    if not version:
        for one in collector.filters.values():
            one.seen.clear()
    elif version != str(collector.version):
        raise vmodl.query.InvalidCollectorVersion(msg=f"version {version} is not the last one handed out")


def _differences(center: Center, collector: Collector, limit: int | None, api: str) -> tuple[list[Any], bool]:
    updates, room, truncated = [], limit or 1_000_000, False
    for one in collector.filters.values():
        rows = {row.mob.moid: row for row in select_rows(center, [one.spec], api)}
        changes: list[Any] = []
        for moid, row in rows.items():
            change = None if room <= 0 and moid not in one.seen else _row_change(one, row, api)
            truncated |= room <= 0 and moid not in one.seen
            if change is not None:
                changes.append(change)
                room -= 1
        gone = [moid for moid in one.seen if moid not in rows]
        changes += [_left(one, moid) for moid in gone]
        if changes:
            ref = query.Filter(one.moid)
            updates.append(make(query.FilterUpdate, filter=ref, objectSet=changes))
    return updates, truncated


def _row_change(one: Filter, row: Row, api: str) -> Any:
    known = one.seen.get(row.mob.moid)
    values = {path: read(row.mob, path, api) for path in row.paths}
    texts = {path: _text(value, api) for path, value in values.items()}
    if known == texts:
        return None
    one.seen[row.mob.moid], one.refs[row.mob.moid] = texts, row.mob.ref
    before = known or dict.fromkeys(texts, "")
    changed = [path for path in texts if texts[path] != before.get(path)]
    changes = [make(query.Change, name=path, op="assign", val=values[path]) for path in changed]
    return make(query.ObjectUpdate, kind="enter" if known is None else "modify", obj=row.mob.ref, changeSet=changes)


def _text(value: Any, api: str) -> str:
    if value is None:
        return ""
    out = StringIO()
    serializer(out, api).Serialize(value, VAL)
    return out.getvalue()


def _left(one: Filter, moid: str) -> Any:
    del one.seen[moid]
    return make(query.ObjectUpdate, kind="leave", obj=one.refs.pop(moid))
