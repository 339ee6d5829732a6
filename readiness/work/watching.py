"""One look at a watched pool: what moved since the last one, and when something did, a whole reading and a judgement.

A look logs in, asks, logs out and is done: no slot and no session is held in between, and any worker takes the next one. What
was seen is stored before it is judged, so that a worker that dies in between loses nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from msgspec.structs import replace

from estate.errors import AskPerson, EdgeError
from estate.facts.pool import HeartbeatLatencyFacts, PoolFacts
from estate.facts.pool_watch import PoolMoves
from estate.facts.unknown import Unknown
from estate.xapi import XapiSession
from estate.xapi.events import peek
from estate.xapi.members import asked_of_any
from estate.xapi.pool_look import PATIENCE_S
from estate.xapi.statistics import latencies
from project.backbone.clock import now
from project.backbone.endpoints.selectors import connection_of
from project.backbone.jobs.context import JobContext
from readiness.core.case import statefiles_in_use
from readiness.core.latency import late_hosts
from readiness.core.losses import LossKind
from readiness.models import Pool, PoolWatch
from readiness.selectors import profiles, watches
from readiness.selectors.pools import facts_of, latest_inventory
from readiness.services import watching
from readiness.services.evaluation import evaluate
from readiness.work.pools import read_pool

LOOK_AGAIN_S = 300.0
"""While an alarm is open the pool is judged at least so often: some end without a word (a late heartbeat, an expired waiver)."""


def look(job: JobContext, pool: Pool) -> dict[str, Any]:
    """Look once and wait for the next time; returns when the watch is switched off.

    Raises: AskPerson, Conflict `another_pool`: both end the watch with an alarm; JobWaiting.
    """
    watch = watches.watch_of(pool)
    if watch is None or not watch.enabled:
        return {"watching": False}
    try:
        _look(job, watch)
    except AskPerson:
        raise
    except EdgeError as failure:
        _missed(job, watch, f"{failure.message} ({failure.code})")
    job.made_headway()
    raise job.waiting(settings.POOL_LOOK_S, watch.message or "watching")


def _look(job: JobContext, watch: PoolWatch) -> None:
    pool, at = watch.pool, now()
    read = latest_inventory(pool.id)
    facts = None if read is None else facts_of(read)
    moves, told = _seen(watch, facts, at)
    held = watches.is_under_trial(pool)
    message = "a trial runs: what the pool shows is the trial's" if held else _standing(watch)
    reasons = (*_late(pool, facts, told), *_by_time(watch, at))
    job.alive()
    if watching.looked(watch, moves, reasons, message=message, actor=job.actor) and not held and _is_due(watch):
        inventory = read_pool(pool, job.actor)
        view = evaluate(pool.id, at=now(), actor=job.actor, facts_id=inventory.id)
        watching.judged(watch, view, job.actor)


def _standing(watch: PoolWatch) -> str:
    lost = watches.open_alarms(watch.pool).exclude(kind=LossKind.POOL_UNREADABLE.value).count()
    return watching.summary(lost) if watch.judged_at else "watching"


def _is_due(watch: PoolWatch) -> bool:
    """A trial that ended is judged once more after somebody has confirmed or discarded it, not before."""
    return bool(watch.due) and not (watch.due == watching.AFTER_TRIAL and watches.is_unconfirmed(watch.pool))


def _seen(watch: PoolWatch, facts: PoolFacts | None, at: datetime) -> tuple[PoolMoves, tuple[HeartbeatLatencyFacts, ...]]:
    """What moved since the last look, and the heartbeat's latencies. Raises: EdgeError when no host of the pool answers."""
    members = () if facts is None else tuple(host.address for host in facts.hosts if host.address)
    since = watches.latencies_since(watch.pool, at)

    def ask(session: XapiSession) -> tuple[PoolMoves, tuple[HeartbeatLatencyFacts, ...]]:
        moves = peek(session, watches.standing_of(watch), at)
        return moves, _latencies(session, facts, since) if facts is not None and since is not None else ()

    return asked_of_any(connection_of(watch.pool.endpoint), members, ask, patience_s=PATIENCE_S)


def _latencies(session: XapiSession, facts: PoolFacts, since: datetime) -> tuple[HeartbeatLatencyFacts, ...]:
    files = statefiles_in_use(facts)
    if facts.ha_enabled is not True or isinstance(files, Unknown) or not files:
        return ()
    live = {host.uuid: host.address for host in facts.hosts if host.live is True and host.address}
    return latencies(session, live, files[0].vdi_uuid, since)


def _late(pool: Pool, facts: PoolFacts | None, told: tuple[HeartbeatLatencyFacts, ...]) -> tuple[str, ...]:
    """That a heartbeat is late of which no alarm tells yet."""
    if facts is None or not told:
        return ()
    late = late_hosts(replace(facts, latencies=told), profiles.policy(pool.project.policy_profile))
    known = set(watches.open_alarms(pool).filter(kind=LossKind.LATENCY_HIGH.value).values_list("path", flat=True))
    return ("a heartbeat is late",) if any(f"host[{uuid}].heartbeat_latency" not in known for uuid in late) else ()


def _by_time(watch: PoolWatch, at: datetime) -> tuple[str, ...]:
    """What ends or begins without a word of the pool is noticed by judging again."""
    if watch.judged_at is None:
        return ("the pool was not judged by this watch yet",)
    most_s = min(LOOK_AGAIN_S, settings.POOL_READ_ALL_S) if watches.open_alarms(watch.pool).exists() else settings.POOL_READ_ALL_S
    return ("it is time to judge it again",) if at - watch.judged_at >= timedelta(seconds=most_s) else ()


def _missed(job: JobContext, watch: PoolWatch, why: str) -> None:
    """In a trial no host may answer: that is the trial's. Otherwise it becomes an alarm once it has lasted."""
    if not watching.missed(watch, why) or watches.is_under_trial(watch.pool):
        return
    if watches.open_alarms(watch.pool).filter(kind=LossKind.POOL_UNREADABLE.value).exists():
        return
    view = evaluate(watch.pool.id, at=now(), actor=job.actor, unreachable_because=why)
    watching.unreadable(watch, why, view, job.actor)
