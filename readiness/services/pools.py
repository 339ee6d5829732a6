"""Pools: add and change them, ask for probes and collections, confirm certificates, store what a collection read.

Talking to a pool is the work room's task.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from estate.facts.codec import to_json
from estate.facts.pool import PoolFacts
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.endpoints import services as endpoints
from project.backbone.endpoints.selectors import require_confirmed
from project.backbone.jobs.services import enqueue
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict
from readiness.models import Intent, Pool, PoolInventory

PROBE, COLLECT, EVALUATE = "readiness.probe_pool", "readiness.collect_pool", "readiness.evaluate"


def add_pool(
    project: Project, *, url: str, username: str, password: str, ha_intent: str = Intent.REQUIRED, name: str = "", actor: Actor
) -> Pool:
    """A new pool by the URL of its coordinator. Nothing is contacted yet; probe it next.

    Raises: RoleTooLow (operator), NotVisible, Invalid (URL), Conflict `name_taken` (409).
    """
    actor.require(project, Role.OPERATOR)
    called = name or urlsplit(endpoints.checked_url(url)).hostname or url
    with transaction.atomic():
        endpoint = endpoints.create_endpoint(
            project, kind="pool", name=called, url=url, username=username, password=password, actor=actor
        )
        pool = Pool(project=project, endpoint=endpoint, name=called, ha_intent=Intent(ha_intent))
        _save(pool, force_insert=True)
        record(actor, "pool.added", pool, project=project, after={"name": called, "ha_intent": str(pool.ha_intent)})
    return pool


def _save(pool: Pool, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            pool.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(
            f"The project already has a pool named {pool.name}.", code="name_taken", next_step="Give it another name."
        ) from None


def update_pool(pool: Pool, *, changes: Mapping[str, str], actor: Actor) -> Pool:
    """Change name, ha_intent, URL, user name or password. Another URL drops the confirmed certificates.

    Raises: RoleTooLow (operator), NotVisible, Invalid (URL), Conflict `name_taken` (409).
    """
    actor.require(pool.project_id, Role.OPERATOR)
    before = {"name": pool.name, "ha_intent": str(pool.ha_intent)}
    pool.name = changes.get("name", pool.name)
    pool.ha_intent = Intent(changes.get("ha_intent", pool.ha_intent))
    with transaction.atomic():
        of_endpoint = {key: value for key, value in changes.items() if key in ("name", "url", "username", "password")}
        if of_endpoint:
            endpoints.update_endpoint(pool.endpoint, **of_endpoint, actor=actor)
        _save(pool)
        after = {"name": pool.name, "ha_intent": str(pool.ha_intent)}
        record(actor, "pool.changed", pool, project=pool.project, before=before, after=after)
    return pool


def request_probe(pool: Pool, *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask for the job that shows the pool's certificates. Raises: RoleTooLow (operator), NotVisible."""
    actor.require(pool.project_id, Role.OPERATOR)
    return _enqueued(PROBE, pool, {}, actor, idempotency_key)


def request_collect(pool: Pool, *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask for the job that reads the pool. Raises: RoleTooLow (operator), NotVisible, Conflict `pins_not_confirmed` (409)."""
    actor.require(pool.project_id, Role.OPERATOR)
    require_confirmed(pool.endpoint)
    return _enqueued(COLLECT, pool, {}, actor, idempotency_key)


def request_evaluation(pool: Pool, *, collect: bool, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask for an evaluation, on freshly read facts when `collect`. Raises: RoleTooLow (operator), NotVisible, Conflict (409)."""
    actor.require(pool.project_id, Role.OPERATOR)
    if collect:
        require_confirmed(pool.endpoint)
    return _enqueued(EVALUATE, pool, {"collect": collect}, actor, idempotency_key)


def _enqueued(kind: str, pool: Pool, options: dict[str, Any], actor: Actor, idempotency_key: str | None) -> Job:
    unique = ":".join([kind, str(pool.id), *(f"{key}={value}" for key, value in sorted(options.items()))])
    return enqueue(
        kind,
        project=pool.project,
        params={"pool_id": str(pool.id), **options},
        actor=actor,
        subject=pool.name,
        idempotency_key=idempotency_key,
        unique=unique,
    )


def confirm_pool(pool: Pool, *, tls_thumbprints: list[str], actor: Actor) -> Pool:
    """A person vouches for the certificates the last probe showed. Raises: RoleTooLow (operator), NotVisible, Invalid."""
    endpoints.confirm_pins(pool.endpoint, tls_thumbprints=tls_thumbprints, actor=actor)
    return pool


def store_probe(pool: Pool, *, pool_uuid: str, offered: Iterable[Mapping[str, Any]], actor: Actor) -> None:
    """Keep what a probe saw: the certificates to confirm, and the pool's uuid when it could be read."""
    with transaction.atomic():
        endpoints.offer_certificates(pool.endpoint, offered, actor=actor)
        if pool_uuid:
            pool.pool_uuid = pool_uuid
            pool.save(update_fields=["pool_uuid"])


def digest_of(facts: PoolFacts) -> str:
    """SHA-256 of the facts without what moves by itself (the time of reading, latencies): an unchanged pool keeps its digest."""
    plain = {key: value for key, value in to_json(facts).items() if key not in ("collected_at", "latencies")}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def store_facts(pool: Pool, facts: PoolFacts, *, actor: Actor) -> PoolInventory:
    """Keep one reading; it is never changed. Raises: Conflict `another_pool` (409) when the URL now leads to another pool."""
    if pool.pool_uuid and pool.pool_uuid != facts.uuid:
        raise Conflict(
            f"{pool.endpoint.url} is now pool {facts.name} ({facts.uuid}), not the pool {pool.pool_uuid} known as {pool.name}.",
            code="another_pool",
            next_step="Add the other pool under its own name, or correct this pool's URL.",
        )
    with transaction.atomic():
        inventory = PoolInventory.objects.create(
            pool=pool, collected_at=facts.collected_at, digest=digest_of(facts), facts=to_json(facts)
        )
        if not pool.pool_uuid:
            pool.pool_uuid = facts.uuid
            pool.save(update_fields=["pool_uuid"])
        record(
            actor, "pool.collected", pool, project=pool.project, after={"facts": str(inventory.id), "digest": inventory.digest}
        )
    return inventory
