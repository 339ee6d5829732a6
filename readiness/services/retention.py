"""Dropping what the watch of a pool read and judged long ago, and nobody decided on. What people asked for always stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from project.backbone import deciding
from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.waivers.selectors import waivers
from readiness import keeping
from readiness.models import Evaluation, Pool, PoolAlarm, PoolInventory, PoolWatch, WatchJudgement
from readiness.selectors.evaluations import last_ready
from readiness.selectors.pools import latest_inventory


def waiting_to_go() -> Iterator[Evaluation]:
    """Every judgement that may go now, pool by pool, oldest first. Nothing is changed."""
    for pool in Pool.objects.select_related("project"):
        yield from _droppable(pool)


def _droppable(pool: Pool) -> QuerySet[Evaluation]:
    old = Q(pool=pool, by_watch__isnull=False, evaluated_at__lt=now() - timedelta(days=settings.KEEP_WATCH_DAYS))
    cited = keeping.cited(pool.project_id)
    kept = {*_compared_with(pool), *_newest(pool), *_newest_at(pool), *(UUID(each) for each in cited)}
    rows = Evaluation.objects.filter(old).exclude(pk__in=kept)
    return rows.exclude(inventory_id__in=kept).order_by("evaluated_at")


def _compared_with(pool: Pool) -> Iterator[UUID]:
    """What the watch compares with, and what alarms were found by."""
    yield from PoolWatch.objects.filter(pool=pool, baseline__isnull=False).values_list("baseline_id", flat=True)
    for pair in PoolAlarm.objects.filter(pool=pool).values_list("compared_with_id", "found_by_id"):
        yield from (each for each in pair if each is not None)


def _newest(pool: Pool) -> Iterator[UUID]:
    newest, ready, reading = Evaluation.objects.filter(pool=pool).first(), last_ready(pool), latest_inventory(pool.pk)
    yield from (row.pk for row in (newest, ready, reading) if row is not None)


def _newest_at(pool: Pool) -> Iterator[UUID]:
    """What was the newest when people decided."""
    approved = waivers(pool.project).filter(approved_at__isnull=False).values_list("approved_at", flat=True)
    for moment in (*deciding.decided_at(pool.project_id), *approved):
        yield from Evaluation.objects.filter(pool=pool, evaluated_at__lte=moment).values_list("pk", flat=True)[:1]
        yield from PoolInventory.objects.filter(pool=pool, collected_at__lte=moment).values_list("pk", flat=True)[:1]


@transaction.atomic
def drop(row: Evaluation, *, actor: Actor) -> None:
    """Drop one judgement, and its reading when no other rests on that."""
    pool, reading_id, was = row.pool, row.inventory_id, {"verdict": row.verdict, "at": row.evaluated_at.isoformat()}
    row.delete()
    if reading_id is not None and not Evaluation.objects.filter(inventory_id=reading_id).exists():
        PoolInventory.objects.filter(pk=reading_id).delete()
    record(actor, "pool.judgement_dropped", pool, project=pool.project, before=was)


def made_by_watch(evaluation: Evaluation) -> None:
    """Note that nobody asked for this judgement: it may go one day."""
    WatchJudgement.objects.get_or_create(evaluation=evaluation)
