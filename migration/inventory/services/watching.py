"""Watches: switched on and off by people, and what their jobs write down. Reading belongs to work.watching."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from migration.inventory.models import Source, SourceWatch
from migration.inventory.services import sources
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints import selectors as endpoint_selectors
from project.backbone.endpoints.sealing import CannotOpen, open_sealed, seal
from project.backbone.jobs import services as jobs

Moved = Mapping[tuple[str, str], str]
"""What moved: (kind, native id) to `enter`, `modify` or `leave`."""

KIND, END = "inventory.watch", "inventory.end_watch"


@transaction.atomic
def set_watch(source: Source, *, enabled: bool, actor: Actor) -> SourceWatch:
    """Keep a server's inventory fresh from now on, or do so no more.

    Raises: RoleTooLow (operator), NotVisible, Conflict `source_is_a_file` or `pins_not_confirmed` (409).
    """
    actor.require(source.project_id, Role.OPERATOR)
    endpoint_selectors.require_confirmed(sources.endpoint_of(source))
    watch, _ = SourceWatch.objects.get_or_create(source=source)
    before, watch.enabled = watch.enabled, enabled
    if before != enabled:
        watch.message = "the watch is about to begin" if enabled else "switched off"
        watch.faults = 0
        watch.save(update_fields=["enabled", "message", "faults"])
        record(actor, "source.watch_set", source, project=source.project, before={"enabled": before}, after={"enabled": enabled})
    _enqueue(source, KIND if enabled else END, actor)
    return watch


def _enqueue(source: Source, kind: str, actor: Actor) -> None:
    jobs.enqueue(
        kind,
        project=source.project,
        params={"source_id": str(source.id)},
        actor=actor,
        subject=str(source),
        unique=f"{kind}:{source.id}",
    )


def stop_on_failure(source: Source, error: Mapping[str, Any], actor: Actor) -> None:
    """A watch that failed for good or was cancelled waits for a person; its session is ended."""
    SourceWatch.objects.filter(source=source).update(enabled=False, message=str(error.get("message", ""))[:500])
    _enqueue(source, END, actor)


def kept_session(watch: SourceWatch) -> tuple[str, dict[str, str]] | None:
    """The cookie and where the watch stands; None before it began, or when the sealing key is another one by now."""
    if not watch.session:
        return None
    try:
        cookie, state = json.loads(open_sealed(watch.session, of=str(watch.source)))
    except CannotOpen:
        return None
    return cookie, state


def remember(watch: SourceWatch, *, cookie: str, state: Mapping[str, str], moved: Moved, message: str) -> None:
    """What one look found: where the watch stands now, and what it has still to read."""
    pending = {(kind, native_id): last for kind, native_id, last in watch.pending} | dict(moved)
    watch.session = seal(json.dumps([cookie, dict(state)]))  # morefs of collectors carry the session in their names
    watch.pending = [[kind, native_id, last] for (kind, native_id), last in pending.items()]
    watch.pending_since = (watch.pending_since or now()) if pending else None
    watch.last_look_at, watch.faults, watch.message = now(), 0, message[:500]
    watch.save()


def is_read(watch: SourceWatch, *, changed: bool, around: bool, message: str) -> None:
    """What was pending is read, with `around` also all that is no machine; `changed`: a new inventory came of it."""
    watch.read_around_at = now() if around else watch.read_around_at
    watch.pending, watch.pending_since, watch.message = [], None, message[:500]
    watch.last_change_at = now() if changed else watch.last_change_at
    watch.save(update_fields=["pending", "pending_since", "message", "last_change_at", "read_around_at"])


def all_is_read(watch: SourceWatch, *, message: str) -> None:
    """A new inventory came of everything that the source shows."""
    watch.read_all_at = now()
    watch.save(update_fields=["read_all_at"])
    is_read(watch, changed=True, around=True, message=message)


def passing_fault(watch: SourceWatch, message: str) -> int:
    """A fault that may pass by itself; how many there were in a row."""
    watch.faults += 1
    watch.message = message[:500]
    watch.save(update_fields=["faults", "message"])
    return watch.faults


def forget(watch: SourceWatch) -> None:
    """Nothing is left of it at the server."""
    watch.session, watch.pending, watch.pending_since = "", [], None
    watch.save(update_fields=["session", "pending", "pending_since"])
