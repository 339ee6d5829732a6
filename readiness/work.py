"""Talks to pools: probe their certificates and read their facts. Called by this app's jobs only; writes through services.

Nothing here changes a pool. Enabling HA, disabling it and power are never touched: checks print exact commands for a person.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from estate.errors import EdgeError
from estate.xapi import XapiSession, probe
from estate.xapi.pool import read_facts
from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.endpoints.selectors import connection_of
from project.backbone.jobs.context import JobContext
from readiness.models import Pool, PoolInventory
from readiness.selectors.evaluations import EvaluationView
from readiness.services.evaluation import evaluate
from readiness.services.pools import store_facts, store_probe


def probe_pool(pool: Pool, actor: Actor) -> dict[str, Any]:
    """Show the certificates of the pool's hosts, for a person to compare and confirm. Raises: EdgeError."""
    seen = probe(connection_of(pool.endpoint))
    offered = [asdict(certificate) | {"not_after": certificate.not_after.isoformat()} for certificate in seen.certificates]
    store_probe(pool, pool_uuid=seen.pool_uuid or "", offered=offered, actor=actor)
    return {"pool_uuid": seen.pool_uuid, "name": seen.name, "product": seen.product, "certificates": offered}


def _read(pool: Pool, actor: Actor) -> PoolInventory:
    with XapiSession(connection_of(pool.endpoint)) as session:
        facts = read_facts(session, now())
    return store_facts(pool, facts, actor=actor)


def collect_pool(pool: Pool, actor: Actor) -> dict[str, Any]:
    """Read the pool once and keep the facts. Raises: EdgeError, Conflict `another_pool`."""
    inventory = _read(pool, actor)
    unread = inventory.facts.get("unreadable", [])
    return {"facts_id": str(inventory.id), "collected_at": inventory.collected_at.isoformat(), "unreadable": unread}


def evaluate_pool(pool: Pool, job: JobContext, *, collect: bool) -> EvaluationView:
    """Judge the pool, on fresh facts when `collect`; a pool that cannot be read then is judged not ready, not skipped."""
    facts_id, unreachable = None, ""
    if collect:
        try:
            facts_id = _read(pool, job.actor).id
        except EdgeError as failure:
            unreachable = f"{failure.message} ({failure.code})"
    job.alive()
    return evaluate(pool.id, at=now(), actor=job.actor, facts_id=facts_id, unreachable_because=unreachable)
