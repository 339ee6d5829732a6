"""Reading sources."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from migration.inventory.core.states import InventoryState
from migration.inventory.models import Inventory, Source, SourceWatch
from project.backbone.jobs.states import UNFINISHED
from project.backbone.models import Job, Project
from project.backbone.problems import NotVisible


def sources(project: Project) -> QuerySet[Source]:
    return Source.objects.filter(project=project).select_related("endpoint", "project", "latest", "watch")


def source(source_id: UUID | str) -> Source:
    """One source by id, for jobs. Raises: NotVisible."""
    found = Source.objects.select_related("endpoint", "project").filter(pk=source_id).first()
    if found is None:
        raise NotVisible("source")
    return found


def is_being_collected(source: Source, *, besides: UUID) -> bool:
    """Whether another job than `besides` is making an inventory of the source. What a dead job left behind does not count."""
    collecting = Inventory.objects.filter(source=source, state=InventoryState.COLLECTING).exclude(job_id=besides)
    return Job.objects.filter(id__in=collecting.values("job_id"), state__in=UNFINISHED).exists()


def watch_of(source: Source) -> SourceWatch | None:
    """The watch of a source; None when nobody ever asked for one."""
    return SourceWatch.objects.select_related("source__endpoint").filter(source=source).first()
