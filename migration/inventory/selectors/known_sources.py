"""Reading sources."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from migration.inventory.models import Source
from project.backbone.models import Project
from project.backbone.problems import NotVisible


def sources(project: Project) -> QuerySet[Source]:
    return Source.objects.filter(project=project).select_related("endpoint", "project", "latest")


def source(source_id: UUID | str) -> Source:
    """One source by id, for jobs. Raises: NotVisible."""
    found = Source.objects.select_related("endpoint", "project").filter(pk=source_id).first()
    if found is None:
        raise NotVisible("source")
    return found
