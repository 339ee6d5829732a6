"""Watches and alarms of pools as rows, and what a look has to know beforehand. Reads only."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from estate.facts.codec import from_json
from estate.facts.pool_watch import PoolStanding
from project.backbone.problems import NotVisible
from readiness.core.campaign.change import OPEN_CHANGE
from readiness.core.campaign.states import OPEN_TRIAL, TrialState
from readiness.core.latency import read_since
from readiness.models import CampaignTrial, HaChange, Pool, PoolAlarm, PoolWatch
from readiness.selectors.cases import evidence_in_force


def watch_of(pool: Pool) -> PoolWatch | None:
    """The pool's watch; None where nobody ever asked for one."""
    return PoolWatch.objects.select_related("pool__project", "pool__endpoint", "baseline__inventory").filter(pool=pool).first()


def standing_of(watch: PoolWatch) -> PoolStanding:
    """Where it stands; empty before its first look."""
    return from_json(watch.standing, PoolStanding)


def alarms(pool: Pool) -> QuerySet[PoolAlarm]:
    """The pool's alarms, newest first."""
    return PoolAlarm.objects.filter(pool=pool).select_related("pool__project", "accepted_by").order_by("-opened_at", "path")


def open_alarms(pool: Pool) -> QuerySet[PoolAlarm]:
    """Those that are not closed."""
    return alarms(pool).filter(closed_at=None)


def alarm_of_pool(pool: Pool, alarm_id: UUID | str) -> PoolAlarm:
    """An alarm that must belong to this pool. Raises: NotVisible (404)."""
    found = alarms(pool).filter(pk=alarm_id).first()
    if found is None:
        raise NotVisible("alarm")
    return found


def _trials(pool: Pool, *states: TrialState) -> bool:
    return CampaignTrial.objects.filter(campaign__pool=pool, state__in=[state.value for state in states]).exists()


def is_under_trial(pool: Pool) -> bool:
    """Whether a failover trial runs, or the service itself changes HA: what the pool shows then is not its own."""
    changing = HaChange.objects.filter(campaign__pool=pool, state__in=[state.value for state in OPEN_CHANGE]).exists()
    return changing or _trials(pool, TrialState.REQUESTED, TrialState.WATCHING, TrialState.ENDING)


def is_unconfirmed(pool: Pool) -> bool:
    """Whether what the pool said in a trial waits for a person to confirm that it was the trial's."""
    return _trials(pool, *OPEN_TRIAL)


def latencies_since(pool: Pool, at: datetime) -> datetime | None:
    """From when on the pool's latencies are read; None while they would be a trial's."""
    return read_since(evidence_in_force(pool, at), at, under_trial=is_unconfirmed(pool))
