"""Alarms: opened for what a pool lost, closed when it is back or a person says that it stays so; and who is told.

What was lost is decided in core.losses. Several alarms of one look are one notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.notices.services import tell
from project.backbone.problems import Conflict
from readiness.core.losses import Loss, LossKind
from readiness.models import Evaluation, Pool, PoolAlarm, PoolWatch
from readiness.selectors.watches import open_alarms

OPENED, CLOSED = "alarm.opened", "alarm.closed"
NOT_READY, HA_OFF, TIMEOUT_RESET = "pool.not_ready", "pool.ha_off", "pool.timeout_reset"
EVENTS = {
    OPENED: "A watched pool has lost something.",
    CLOSED: "What a watched pool had lost is back, or somebody accepted the loss.",
    NOT_READY: "A watched pool was ready and no longer is.",
    HA_OFF: "HA is off, or not known to be on, on a watched pool that had it.",
    TIMEOUT_RESET: "The HA timeout of a watched pool is not the tuned one any more.",
}
_OWN_EVENTS = {LossKind.NOT_READY: NOT_READY, LossKind.HA_OFF: HA_OFF, LossKind.TIMEOUT_RESET: TIMEOUT_RESET}
_LONGEST = 200
_BACK = "it is as it was"


@dataclass(frozen=True, slots=True)
class FoundBy:
    """The judgement that found a loss, where there was one, and the ids of the checks that turned worse with it."""

    judged: Evaluation | None = None
    checks: tuple[str, ...] = ()


def settle(watch: PoolWatch, found: Iterable[Loss], *, kinds: Iterable[LossKind], by: FoundBy, actor: Actor) -> None:
    """Open an alarm for each loss that has none, and close those of these `kinds` whose loss is not found any more."""
    pool, lost = watch.pool, {(loss.kind.value, loss.path[:_LONGEST]): loss for loss in found}
    known = {(alarm.kind, alarm.path): alarm for alarm in open_alarms(pool).filter(kind__in=[kind.value for kind in kinds])}
    with transaction.atomic():
        opened = [_open(watch, loss, by, actor) for key, loss in lost.items() if key not in known]
        closed = [alarm for key, alarm in known.items() if key not in lost and _close(alarm, _BACK, actor)]
        for key in known.keys() & lost.keys():
            _follow(known[key], lost[key])
        _tell(pool, [alarm for alarm in opened if alarm is not None], closed, actor)


def _open(watch: PoolWatch, loss: Loss, by: FoundBy, actor: Actor) -> PoolAlarm | None:
    """None when another look has opened it in this moment."""
    alarm = PoolAlarm(
        pool=watch.pool,
        kind=loss.kind.value,
        path=loss.path[:_LONGEST],
        before=loss.before[:_LONGEST],
        after=loss.after[:_LONGEST],
        detail=loss.detail[:500],
        checks=list(by.checks),
        compared_with=watch.baseline,
        found_by=by.judged,
        opened_at=now(),
    )
    try:
        with transaction.atomic():
            alarm.save(force_insert=True)
    except IntegrityError:
        return None
    record(actor, "alarm.opened", alarm, project=watch.pool.project, after=_shown(alarm))
    return alarm


def _follow(alarm: PoolAlarm, loss: Loss) -> None:
    """An open alarm says what is so now; nobody is told again."""
    if alarm.after != loss.after[:_LONGEST]:
        PoolAlarm.objects.filter(pk=alarm.pk, closed_at=None).update(after=loss.after[:_LONGEST], detail=loss.detail[:500])


def _close(alarm: PoolAlarm, because: str, actor: Actor, **fields: Any) -> bool:
    values = {"closed_at": now(), "closed_because": because[:500], **fields}
    if not PoolAlarm.objects.filter(pk=alarm.pk, closed_at=None).update(**values):
        return False
    alarm.refresh_from_db()
    record(actor, "alarm.closed", alarm, project=alarm.pool.project, after=_shown(alarm) | {"because": because})
    return True


def accept(pool: Pool, *, reason: str, actor: Actor) -> list[PoolAlarm]:
    """A person says that the pool stays as it is: its open alarms close, and later looks are compared with this state.

    Some do not close by a word (`LASTING`). Raises: RoleTooLow (operator), NotVisible, Conflict `no_alarm_to_accept` (409).
    """
    actor.require(pool.project_id, Role.OPERATOR)
    wanted = list(open_alarms(pool).exclude(kind__in=[kind.value for kind in LASTING]))
    if not wanted:
        raise Conflict(
            f"Pool {pool.name} has no open alarm that a word could close.",
            code="no_alarm_to_accept",
            next_step="Repair what is left; a timeout that shall stay needs a campaign that proves it.",
        )
    with transaction.atomic():
        closed = [alarm for alarm in wanted if _close(alarm, reason, actor, accepted_by_id=actor.user_id)]
        PoolWatch.objects.filter(pool=pool).update(baseline=_newest(pool))
        _tell(pool, [], closed, actor)
    return closed


def _newest(pool: Pool) -> Evaluation | None:
    return Evaluation.objects.filter(pool=pool, inventory__isnull=False).order_by("-evaluated_at", "-created_at").first()


LASTING = frozenset({LossKind.POOL_UNREADABLE, LossKind.TIMEOUT_RESET, LossKind.LATENCY_HIGH})
"""A pool that nobody can read, a timeout other than the tuned one, a heartbeat that is late: they close when they are over."""


def _tell(pool: Pool, opened: Sequence[PoolAlarm], closed: Sequence[PoolAlarm], actor: Actor) -> None:
    told: list[tuple[str, list[PoolAlarm]]] = [(OPENED, list(opened)), (CLOSED, list(closed))]
    told += [(event, [alarm for alarm in opened if alarm.kind == kind.value]) for kind, event in _OWN_EVENTS.items()]
    for event, alarms in told:
        if alarms:
            subject, text = _words(pool, event, alarms)
            data = {"pool": {"id": str(pool.id), "name": pool.name}, "alarms": [_shown(alarm) for alarm in alarms]}
            tell(pool.project, event, subject=subject, text=text, data=data, actor=actor)


def _words(pool: Pool, event: str, alarms: Sequence[PoolAlarm]) -> tuple[str, str]:
    more = f" and {len(alarms) - 1} more" if len(alarms) > 1 else ""
    over = "Over: " if event == CLOSED else ""
    lines = [f"{over}{alarm.detail}\n{alarm.path}: was {alarm.before}, is {_is(alarm, event)}." for alarm in alarms]
    where = f"{settings.PUBLIC_URL.rstrip('/')}/projects/{pool.project_id}/readiness/{pool.id}"
    return f"{pool.name}: {over}{alarms[0].detail}{more}", "\n\n".join([*lines, where])


def _is(alarm: PoolAlarm, event: str) -> str:
    return alarm.closed_because if event == CLOSED else alarm.after


def _shown(alarm: PoolAlarm) -> dict[str, Any]:
    plain = {name: getattr(alarm, name) for name in ("kind", "path", "before", "after", "detail", "checks", "closed_because")}
    times = {name: each.isoformat() if (each := getattr(alarm, name)) else None for name in ("opened_at", "closed_at")}
    return {"id": str(alarm.id), **plain, **times}
