"""Reading sources."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from migration.inventory.models import Source, SourceWatch
from project.backbone.models import Project
from project.backbone.problems import NotVisible


def sources(project: Project) -> QuerySet[Source]:
    return Source.objects.filter(project=project).select_related("endpoint", "project", "latest", "watch")


def source(source_id: UUID | str) -> Source:
    """One source by id, for jobs. Raises: NotVisible."""
    found = Source.objects.select_related("endpoint", "project").filter(pk=source_id).first()
    if found is None:
        raise NotVisible("source")
    return found


def watch_of(source: Source) -> SourceWatch | None:
    """The watch of a source; None when nobody ever asked for one."""
    return SourceWatch.objects.select_related("source__endpoint").filter(source=source).first()
