"""Job kinds of readiness. Thin: reload, call one work function, return a small result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings

from project.backbone.accounts.policy import Actor
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler
from project.backbone.models import Job
from readiness.core.campaign.change import OPEN_CHANGE, ChangeEvent, ChangeState
from readiness.core.campaign.states import TrialState
from readiness.selectors.campaigns import trial
from readiness.selectors.ha_changes import change
from readiness.selectors.pools import pool
from readiness.services import retention
from readiness.services.ha_changes import CHANGE, move
from readiness.services.trial_results import discard_trial
from readiness.services.trials import WATCH, TrialMoved
from readiness.services.watching import KIND as WATCH_POOL
from readiness.services.watching import stop_on_failure
from readiness.work import pools as work
from readiness.work import watching


@handler("readiness.probe_pool", title="Probe a pool")
def probe_pool(job: JobContext, pool_id: str) -> dict[str, Any]:
    """Show a pool's certificates; run again it simply looks again."""
    return work.probe_pool(pool(pool_id), job.actor)


@handler("readiness.collect_pool", title="Collect a pool")
def collect_pool(job: JobContext, pool_id: str) -> dict[str, Any]:
    """Read a pool; run again it reads again and keeps another row."""
    return work.collect_pool(pool(pool_id), job.actor)


@handler("readiness.evaluate", title="Evaluate a pool's readiness")
def evaluate_pool(job: JobContext, pool_id: str, collect: bool = True) -> dict[str, Any]:
    """Judge a pool; run again it makes a further evaluation."""
    view = work.evaluate_pool(pool(pool_id), job, collect=collect)
    return {
        "evaluation_id": str(view.id),
        "verdict": view.verdict.value,
        "facts_id": str(view.facts_id) if view.facts_id else None,
    }


def _watch_ended(job: Job, error: dict[str, Any], actor: Actor) -> None:
    """A watch that failed or was cancelled shows nothing: its trial must not wait for ever, nor count."""
    row = trial(job.params["trial_id"])
    if row is not None and row.state in (TrialState.REQUESTED, TrialState.WATCHING, TrialState.ENDING):
        discard_trial(row, reason=f"the watch ended: {error.get('message', 'no reason given')}", actor=actor)


@handler(WATCH, title="Watch a failover trial", on_failed=_watch_ended)
def watch_trial(job: JobContext, trial_id: str) -> dict[str, Any]:
    """Look at the pool again and again until the trial ends. All that was seen is in its row: any worker can go on."""
    job.alive()
    row = trial(trial_id)
    if row is None:
        return {}
    try:
        goes_on = work.watch_trial(row, job.actor)
    except TrialMoved:  # a person ended or discarded it in this moment: look again
        goes_on = True
    if goes_on:
        job.wait(settings.TRIAL_LOOK_S, f"watching the trial of {row.storage_node}: {TrialState(row.state)}")
    return {"trial_id": trial_id, "state": row.state}


def _change_ended(job: Job, error: dict[str, Any], actor: Actor) -> None:
    """A change that was cancelled or gave up may have left HA off: it says so until somebody restores it."""
    row = change(job.params["change_id"])
    if row is not None and ChangeState(row.state) in OPEN_CHANGE:
        told = f"{error.get('message', 'It was stopped.')} HA may be off: look at the pool, then restore or enable it."
        move(row, ChangeEvent.FAIL, actor=actor, failed_because=told)


@handler(CHANGE, title="Change a pool's HA timeout", on_failed=_change_ended)
def change_timeout(job: JobContext, change_id: str) -> dict[str, Any]:
    """Bring HA to the timeout that was asked for, or back. Run again it looks what the pool is and does what is missing."""
    row = change(change_id)
    while row is not None and work.change_ha(row, job.actor):
        job.alive()
        row = change(change_id)
    return {"change_id": change_id, "state": row.state if row else ""}


def _pool_watch_failed(job: Job, error: dict[str, Any], actor: Actor) -> None:
    stop_on_failure(pool(job.params["pool_id"]), error, actor)


@handler(WATCH_POOL, title="Watch a pool", on_failed=_pool_watch_failed)
def watch_pool(job: JobContext, pool_id: str) -> dict[str, Any]:
    """Look at the pool, wait, look again. Where the watch stands is in its row: any worker goes on."""
    return watching.look(job, pool(pool_id))


@handler("readiness.purge", title="Drop old judgements of watched pools", every=timedelta(days=1))
def purge(job: JobContext) -> dict[str, Any]:
    """Drop what watches judged long ago; run again it finds less."""
    dropped = 0
    for row in list(retention.waiting_to_go()):
        job.alive()
        retention.drop(row, actor=job.actor)
        dropped += 1
    return {"judgements": dropped}
