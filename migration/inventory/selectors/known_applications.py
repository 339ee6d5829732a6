"""Reading applications: with the number of their machines, what they need, and which of them only move together."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet

from migration.inventory.core.dependencies import cycles, layers
from migration.inventory.models import Application
from project.backbone.models import Project


def applications(project: Project) -> QuerySet[Application]:
    """With `machine_count`, and `depends_on` fetched ahead."""
    needed = Prefetch("depends_on", Application.objects.only("id", "name"))
    rows = Application.objects.filter(project=project).annotate(machine_count=Count("machines"))
    return rows.prefetch_related(needed)


def dependencies(project: Project) -> dict[UUID, set[UUID]]:
    """Every application's id to the ids of those it needs. Two queries."""
    found: dict[UUID, set[UUID]] = {
        each: set() for each in Application.objects.filter(project=project).order_by().values_list("id", flat=True)
    }
    links = Application.depends_on.through.objects.filter(from_application__project=project)
    for needing, needed in links.values_list("from_application_id", "to_application_id"):
        found[needing].add(needed)
    return found


def applications_in_cycles(project: Project) -> set[UUID]:
    """Those that need each other, directly or by way of others: they move together."""
    return {each for cycle in cycles(dependencies(project)) for each in cycle}


def application_layers(project: Project) -> dict[UUID, int]:
    """0 for those that need nothing, else one more than the highest they need; one cycle shares a layer."""
    return layers(dependencies(project))
