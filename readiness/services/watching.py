"""Watches of pools: switched on and off by people, and what their looks write down. Looking belongs to work.watching."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from estate.facts.codec import to_json
from estate.facts.pool_watch import PoolMoves
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints.selectors import require_confirmed
from project.backbone.jobs import services as jobs
from readiness.core.engine import HaIntent
from readiness.core.losses import Loss, LossKind, losses, turned, verdict_lost
from readiness.models import Evaluation, Pool, PoolWatch
from readiness.selectors.cases import case_of
from readiness.selectors.evaluations import EvaluationView, last_ready, view_of
from readiness.selectors.pools import facts_of
from readiness.selectors.watches import is_unconfirmed
from readiness.services.alarms import FoundBy, settle
from readiness.services.retention import made_by_watch

KIND = "readiness.watch_pool"
OF_A_READING = frozenset(LossKind) - {LossKind.POOL_UNREADABLE}
OF_WORDS = frozenset({LossKind.ALERT, LossKind.NOT_READY})
AFTER_TRIAL = "a trial waits to be confirmed"
CANCELLED = "job_cancelled"


@transaction.atomic
def set_watch(pool: Pool, *, enabled: bool, actor: Actor) -> PoolWatch:
    """Look at a pool all the time from now on, or do so no more. Alarms that are open stay open.

    Raises: RoleTooLow (operator), NotVisible, Conflict `pins_not_confirmed` (409).
    """
    actor.require(pool.project_id, Role.OPERATOR)
    require_confirmed(pool.endpoint)
    watch, _ = PoolWatch.objects.get_or_create(pool=pool)
    before, watch.enabled = watch.enabled, enabled
    if before != enabled:
        watch.message = "the watch is about to begin" if enabled else "switched off"
        watch.standing, watch.faults, watch.missing_since = {}, 0, None
        watch.save(update_fields=["enabled", "message", "standing", "faults", "missing_since"])
        record(actor, "pool.watch_set", pool, project=pool.project, before={"enabled": before}, after={"enabled": enabled})
    if enabled:
        jobs.enqueue(
            KIND,
            project=pool.project,
            params={"pool_id": str(pool.id)},
            actor=actor,
            subject=pool.name,
            unique=f"{KIND}:{pool.id}",
        )
    return watch


def stop_on_failure(pool: Pool, error: Mapping[str, Any], actor: Actor) -> None:
    """A watch that failed for good waits for a person, and says so by an alarm; one that somebody cancelled is switched off."""
    watch = PoolWatch.objects.select_related("pool__project", "baseline").filter(pool=pool).first()
    if watch is None or not watch.enabled:
        return
    why = str(error.get("message", "it was stopped"))
    PoolWatch.objects.filter(pk=watch.pk).update(enabled=False, message=f"The watch has ended: {why}"[:500])
    if error.get("code") != CANCELLED:
        text = f"Pool {pool.name} is not watched any more: {why} {error.get('next_step', '')}".strip()
        _unreadable(watch, f"{error.get('code', 'failed')}", text, (), FoundBy(), actor)


def looked(watch: PoolWatch, moves: PoolMoves, reasons: Iterable[str], *, message: str, actor: Actor) -> bool:
    """What one look found, and why the pool is to be judged; False when the watch was switched off meanwhile."""
    settle(watch, (), kinds=(LossKind.POOL_UNREADABLE,), by=FoundBy(), actor=actor)
    told = dict.fromkeys([*filter(None, watch.due.split("; ")), *moves.reasons, *reasons])
    watch.due = "; ".join(told)[:500]
    watch.standing = to_json(moves.standing)
    watch.looked_at, watch.faults, watch.missing_since = now(), 0, None
    watch.message = message[:500]
    fields = {"due": watch.due, "standing": watch.standing, "looked_at": watch.looked_at, "faults": 0, "missing_since": None}
    return bool(PoolWatch.objects.filter(pk=watch.pk, enabled=True).update(**fields, message=watch.message))


def missed(watch: PoolWatch, why: str) -> bool:
    """No host answered; True when that has lasted so long that it is an alarm."""
    watch.missing_since = watch.missing_since or now()
    watch.faults += 1
    watch.message = f"{why}; it is tried again"[:500]
    watch.save(update_fields=["missing_since", "faults", "message"])
    return now() - watch.missing_since >= timedelta(seconds=settings.POOL_UNREADABLE_S)


def unreadable(watch: PoolWatch, why: str, view: EvaluationView, actor: Actor) -> None:
    """The pool has not answered for long: that is an alarm, and the verdict `view` says so, too."""
    since = f"{watch.missing_since:%Y-%m-%d %H:%M:%S} UTC"
    lost = verdict_lost(view_of(watch.baseline).verdict, view.verdict, watch.pool.name) if watch.baseline else ()
    text = f"Pool {watch.pool.name} does not answer since {since}: {why}"
    _unreadable(watch, f"no answer since {since}", text, lost, FoundBy(_row(view)), actor)


def _unreadable(watch: PoolWatch, after: str, text: str, more: Sequence[Loss], by: FoundBy, actor: Actor) -> None:
    loss = Loss(LossKind.POOL_UNREADABLE, "pool", "readable", after, text)
    settle(watch, (loss, *more), kinds=(LossKind.POOL_UNREADABLE,), by=by, actor=actor)


def judged(watch: PoolWatch, view: EvaluationView, actor: Actor) -> None:
    """Compare a judgement on facts read just now with the last good one, and open or close alarms by it.

    The first one, and each by which nothing is lost, is what later ones are compared with: for a pool that is ready that is the
    last ready one. While a trial waits to be confirmed, what the pool said and what follows from that is left aside.
    """
    row, before = _row(view), _baseline(watch)
    unconfirmed = is_unconfirmed(watch.pool)
    kinds = OF_A_READING - OF_WORDS if unconfirmed else OF_A_READING
    found = () if before is None else tuple(loss for loss in _lost(watch.pool, before, row) if loss.kind in kinds)
    checks = turned(view_of(before).checks, view.checks) if before is not None else ()
    fields: dict[str, Any] = {"due": AFTER_TRIAL if unconfirmed else "", "judged_at": now()}
    fields["message"] = summary(len(found))
    if before is None or not (found or unconfirmed):
        fields["baseline"] = row
    with transaction.atomic():
        made_by_watch(row)
        settle(watch, found, kinds=kinds, by=FoundBy(row, checks), actor=actor)
        PoolWatch.objects.filter(pk=watch.pk).update(**fields)
    watch.message = fields["message"]


def summary(lost: int) -> str:
    """How a watched pool stands, in words."""
    return "nothing is lost" if not lost else f"{lost} thing{'s are' if lost > 1 else ' is'} lost"


def _baseline(watch: PoolWatch) -> Evaluation | None:
    """What a judgement is compared with; before the watch had any, the newest one by which the pool was ready."""
    if watch.baseline is not None and watch.baseline.inventory is not None:
        return watch.baseline
    return last_ready(watch.pool)


def _row(view: EvaluationView) -> Evaluation:
    return Evaluation.objects.select_related("inventory").get(pk=view.id)


def _lost(pool: Pool, before: Evaluation, after: Evaluation) -> tuple[Loss, ...]:
    assert before.inventory is not None and after.inventory is not None
    case = case_of(pool, facts_of(after.inventory), after.evaluated_at)
    found = losses(facts_of(before.inventory), case, HaIntent(pool.ha_intent))
    return (*found, *verdict_lost(view_of(before).verdict, view_of(after).verdict, pool.name))
