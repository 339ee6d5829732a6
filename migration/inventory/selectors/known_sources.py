"""Reading sources."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Count, QuerySet

from estate.facts.codec import from_json
from estate.facts.source import SourceAbout
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


def said_of_themselves(source_ids: Collection[UUID]) -> dict[UUID, SourceAbout]:
    """What each source said of itself when it was last read; a source that was never read is left out."""
    rows = Source.objects.filter(id__in=source_ids, about__isnull=False).order_by().values_list("id", "about")
    return {source_id: from_json(about, SourceAbout) for source_id, about in rows}


def collected_again(source_ids: Collection[UUID]) -> set[UUID]:
    """Those of these sources that have more than one inventory to read."""
    complete = Inventory.objects.filter(source_id__in=source_ids, state=InventoryState.COMPLETE).order_by()
    counted = complete.values("source_id").annotate(number=Count("id")).filter(number__gt=1)
    return set(counted.values_list("source_id", flat=True))


def is_being_collected(source: Source, *, besides: UUID) -> bool:
    """Whether another job than `besides` is making an inventory of the source. What a dead job left behind does not count."""
    collecting = Inventory.objects.filter(source=source, state=InventoryState.COLLECTING).exclude(job_id=besides)
    return Job.objects.filter(id__in=collecting.values("job_id"), state__in=UNFINISHED).exists()


def watch_of(source: Source) -> SourceWatch | None:
    """The watch of a source; None when nobody ever asked for one."""
    return SourceWatch.objects.select_related("source__endpoint").filter(source=source).first()
