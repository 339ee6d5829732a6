"""Pools, their latest facts, and what planning and conversion ask of a pool. Other apps come in here, by pool id."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from estate.facts.codec import from_json
from estate.facts.pool import PoolFacts
from project.backbone.models import Project
from project.backbone.problems import Conflict, NotVisible
from readiness.models import Pool, PoolInventory


def pools(project: Project) -> QuerySet[Pool]:
    """The project's pools with their endpoints."""
    return Pool.objects.filter(project=project).select_related("endpoint", "project")


def pool(pool_id: UUID | str) -> Pool:
    """One pool by id, for services and jobs. Raises: NotVisible (404)."""
    found = Pool.objects.select_related("endpoint", "project").filter(pk=pool_id).first()
    if found is None:
        raise NotVisible("pool")
    return found


def pool_of_project(project: Project, pool_id: UUID | str) -> Pool:
    """A pool that must belong to this project. Raises: NotVisible (404)."""
    found = pools(project).filter(pk=pool_id).first()
    if found is None:
        raise NotVisible("pool")
    return found


def latest_inventory(pool_id: UUID | str) -> PoolInventory | None:
    """The newest reading, or None before the first collection."""
    return PoolInventory.objects.filter(pool_id=pool_id).order_by("-collected_at", "-created_at").first()


def required_inventory(pool_id: UUID | str) -> PoolInventory:
    """The newest reading. Raises: Conflict `pool_not_collected` (409)."""
    found = latest_inventory(pool_id)
    if found is None:
        raise Conflict(
            f"Pool {pool(pool_id).name} has not been collected yet.",
            code="pool_not_collected",
            next_step="POST .../collect and wait for the job.",
        )
    return found


def facts_of(inventory: PoolInventory) -> PoolFacts:
    """The facts of a reading as the estate's value."""
    return from_json(inventory.facts, PoolFacts)


def latest_facts(pool_id: UUID | str) -> PoolFacts:
    """The newest facts. Raises: Conflict `pool_not_collected` (409)."""
    return facts_of(required_inventory(pool_id))


def collected_at(pool_id: UUID | str) -> datetime | None:
    """When the pool was last read."""
    found = PoolInventory.objects.filter(pool_id=pool_id).order_by("-collected_at").values_list("collected_at", flat=True)
    return found.first()
