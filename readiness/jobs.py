"""Job kinds of readiness. Thin: reload, call one work function, return a small result."""

from __future__ import annotations

from typing import Any

from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler
from readiness import work
from readiness.selectors.pools import pool


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
