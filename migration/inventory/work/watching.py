"""One look of a watch: the session kept at the server is taken up, asked what moved, and left again. No slot is held in between.

Changes are gathered until they are due; then what moved is read in full and a new inventory made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings

from estate.errors import AskPerson, EdgeError
from estate.facts.source import VmFacts
from estate.vsphere.session import VsphereSession
from estate.vsphere.watching import Changes, Watch, WatchState
from migration.inventory import selectors
from migration.inventory.models import MadeBy, Source, SourceWatch
from migration.inventory.services import refreshing, sources, watching
from migration.inventory.services.collecting import InventoryReplaced
from migration.inventory.work.collecting import collect_with
from project.backbone.clock import now
from project.backbone.endpoints.selectors import connection_of
from project.backbone.jobs.context import JobContext

LONGEST_PAUSE_S = 900.0
log = structlog.get_logger(__name__)


def look(job: JobContext, source: Source) -> dict[str, Any]:
    """Ask what moved, read it when it is due, and wait for the next look; returns when the watch is switched off.

    Raises: AskPerson from the source, which ends the watch; JobWaiting.
    """
    watch = selectors.watch_of(source)
    if watch is None or not watch.enabled:
        return {"watching": False}
    pause_s = settings.WATCH_LOOK_S
    if selectors.is_being_collected(source, besides=job.id):
        raise job.waiting(pause_s, "the source is just being collected")
    try:
        _look(job, source, watch)
    except AskPerson:
        raise
    except InventoryReplaced as replaced:
        watching.passing_fault(watch, f"{replaced.detail} The next look goes on from there.")
    except EdgeError as error:
        faults = watching.passing_fault(watch, f"{error.message} It is tried again.")
        pause_s = min(LONGEST_PAUSE_S, pause_s * 2**faults)
    job.made_headway()
    raise job.waiting(pause_s, watch.message)


def _look(job: JobContext, source: Source, watch: SourceWatch) -> None:
    with _session(source, watch) as session:
        kept = watching.kept_session(watch)
        watched = Watch.resumed(session, WatchState(**kept[1])) if kept else Watch(session)
        moved = watched.peek(0, alive=job.alive)
        if isinstance(moved, Changes):
            _read_all(job, source, watch, watched, moved.reason)
        elif _is_older(watch.read_all_at, settings.WATCH_READ_ALL_S):
            _read_all(job, source, watch, watched, f"{_last(watch.read_all_at)}")
        else:
            pending = {(kind, native_id): last for kind, native_id, last in watch.pending} | moved
            around = _is_older(watch.read_around_at, settings.WATCH_SURROUNDINGS_S)
            if around or (pending and _is_due(watch)):
                _read(job, source, watch, watched, pending, around=around)
                moved = {}
            _leave(watch, session, watched, moved)


def _session(source: Source, watch: SourceWatch) -> AbstractContextManager[VsphereSession]:
    """The kept session, or a new one. Either is closed at the end, and logged out unless it is kept."""
    connection = connection_of(sources.endpoint_of(source))
    kept = watching.kept_session(watch)
    if kept is None:
        return VsphereSession(connection)
    return _Resumed(VsphereSession.resumed(connection, kept[0]))


class _Resumed(nullcontext[VsphereSession]):
    """A session that was taken up again is closed like any other, but not logged in to."""

    def __exit__(self, *raised: Any) -> None:
        self.enter_result.close()


def _is_older(read_at: datetime | None, than_s: float) -> bool:
    """Whether what no path of the watch tells, like free space and what guests report, is to be read again."""
    return read_at is None or now() - read_at >= timedelta(seconds=than_s)


def _last(read_all_at: datetime | None) -> str:
    return f"it was read as a whole last at {read_all_at:%Y-%m-%d %H:%M} UTC" if read_all_at else "it was never read as a whole"


def _is_due(watch: SourceWatch) -> bool:
    """Whether the first change that is not read yet has waited long enough for others."""
    since = watch.pending_since or now()
    return now() - since >= timedelta(seconds=settings.WATCH_COALESCE_S)


def _read(
    job: JobContext, source: Source, watch: SourceWatch, watched: Watch, pending: Mapping[tuple[str, str], str], *, around: bool
) -> None:
    changes = watched.fetch(dict(pending), surroundings=around, alive=job.alive)
    if changes.full:
        _read_all(job, source, watch, watched, changes.reason, leave=False)
        return
    about = watched.about(changes)
    made = refreshing.refresh(source, changed=changes.changed, gone=changes.gone, about=about, job_id=job.id, actor=job.actor)
    machines = sum(isinstance(fact, VmFacts) for fact in changes.changed)
    read = f"{machines} machines read again, {len(changes.gone)} objects gone"
    told = "nothing that lasts has changed" if made is None else read
    watching.is_read(watch, changed=made is not None, around=around, message=told)


def _read_all(job: JobContext, source: Source, watch: SourceWatch, watched: Watch, reason: str, *, leave: bool = True) -> None:
    """Read everything and say why. What changes meanwhile is told by the next look."""
    collect_with(
        job,
        source,
        lambda on_page, alive: watched.read_all(on_page, alive=alive),
        made_by=MadeBy.WATCH.value,
        note=f"Everything was read: {reason}.",
    )
    watching.all_is_read(watch, message=f"everything was read: {reason}")
    if leave:
        _leave(watch, watched.session, watched, {})


def _leave(watch: SourceWatch, session: VsphereSession, watched: Watch, moved: Mapping[tuple[str, str], str]) -> None:
    """Keep collector and session at the server. From here on nothing may fail, or they would be left without anybody knowing."""
    state = watched.leave()
    watching.remember(watch, cookie=session.keep(), state=asdict(state), moved=moved, message=watch.message or "watching")


def end(job: JobContext, source: Source) -> dict[str, Any]:
    """Log the kept session out. A watch that was switched on again meanwhile begins anew."""
    watch = selectors.watch_of(source)
    kept = watching.kept_session(watch) if watch is not None else None
    if watch is None or kept is None:
        return {"ended": False}
    try:
        VsphereSession.resumed(connection_of(sources.endpoint_of(source)), kept[0]).close()
    except EdgeError as error:
        # The server ends a session that nobody uses by itself.
        log.info("inventory.watch_not_logged_out", source=str(source), code=error.code)
    watching.forget(watch)
    return {"ended": True}
