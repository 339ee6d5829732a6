"""Reads of conversions for views, jobs and the apps above. Nothing in here writes."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from estate.facts.codec import from_json
from migration.conversion.core.freshness import SourceMarker
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import Conversion, DiskCopy, LedgerEntry


def conversion(conversion_id: UUID | str) -> Conversion:
    """One conversion with its project. Raises Conversion.DoesNotExist."""
    return Conversion.objects.select_related("project").get(pk=conversion_id)


def spec_of(row: Conversion) -> ConversionSpec:
    """The frozen description of what is made in the pool."""
    return from_json(row.spec, ConversionSpec)


def source_marker_of(row: Conversion) -> SourceMarker | None:
    """What the source looked like when it was confirmed off; None before that."""
    return SourceMarker(**row.source_marker) if row.source_marker else None


def conversions_of_project(project_id: UUID) -> QuerySet[Conversion]:
    """All conversions of a project with their disks, newest last. The disks' block maps (megabytes each) stay in the database."""
    disks = Prefetch("disks", DiskCopy.objects.defer("hashes"))
    return Conversion.objects.filter(project_id=project_id).prefetch_related(disks)


def conversions_of_wave(wave_id: UUID | str) -> list[Conversion]:
    """The conversions of one wave, in the order they were made."""
    return list(Conversion.objects.filter(wave_id=wave_id).select_related("project").prefetch_related("disks"))


def disks_of(row: Conversion) -> list[DiskCopy]:
    """The disk copies of a conversion, boot disk first."""
    return list(DiskCopy.objects.filter(conversion=row).select_related("conversion"))


def open_ledger(row: Conversion) -> list[LedgerEntry]:
    """Objects made for a conversion that are still in the pool, as far as we know."""
    return list(LedgerEntry.objects.filter(conversion=row, removed_at=None))
