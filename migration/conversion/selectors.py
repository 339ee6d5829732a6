"""Reads of conversions for views, jobs and the apps above. Nothing in here writes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from estate.facts.codec import from_json
from migration.conversion.core.freshness import SourceMarker
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.states import State
from migration.conversion.core.verifying import FULL
from migration.conversion.models import Conversion, ConversionEvent, DiskCopy, LedgerEntry, RunningSettings, Stream
from project.backbone.clock import now
from project.backbone.jobs.states import JobState
from project.backbone.models import Project


def conversion(conversion_id: UUID | str) -> Conversion:
    """One conversion with its project. Raises Conversion.DoesNotExist."""
    return Conversion.objects.select_related("project").get(pk=conversion_id)


def spec_of(row: Conversion) -> ConversionSpec:
    """The frozen description of what is made in the pool."""
    return from_json(row.spec, ConversionSpec)


def source_marker_of(row: Conversion) -> SourceMarker | None:
    """What the source looked like when it was confirmed off; None before that."""
    return SourceMarker(**row.source_marker) if row.source_marker else None


def stop_may_come_s(row: Conversion, *, within_s: float) -> float:
    """For how many seconds more the source may go off by what was asked of it; 0 when nothing is left to come."""
    if row.stop_asked_at is None:
        return 0.0
    return max(0.0, within_s - (now() - row.stop_asked_at).total_seconds())


def conversions_of_project(project_id: UUID) -> QuerySet[Conversion]:
    """All conversions of a project with their disks, newest last. The disks' block maps (megabytes each) stay in the database."""
    disks = Prefetch("disks", DiskCopy.objects.defer("hashes"))
    return Conversion.objects.filter(project_id=project_id).prefetch_related(disks)


def conversions_of_wave(wave_id: UUID | str) -> list[Conversion]:
    """The conversions of one wave, in the order they were made; of their disks nothing is read."""
    return list(Conversion.objects.filter(wave_id=wave_id).select_related("project"))


def standing(project_id: UUID, machine_ids: Collection[UUID]) -> list[Conversion]:
    """Conversions of these machines that go on, failed, or have brought them into a pool; cancelled ones while they have a VM."""
    rows = Conversion.objects.filter(project_id=project_id, machine_id__in=list(machine_ids))
    over = Q(state=State.ROLLED_BACK.value) | Q(state=State.CANCELLED.value) & ~Q(
        Exists(LedgerEntry.objects.filter(conversion=OuterRef("pk"), kind="vm", removed_at=None))
    )
    return list(rows.exclude(over).only("machine_id", "name", "state"))


def has_any(wave_id: UUID | str) -> bool:
    """Whether conversions of the wave were made."""
    return Conversion.objects.filter(wave_id=wave_id).exists()


def has_retryable(wave_id: UUID | str) -> bool:
    """Whether a conversion of the wave was never begun, or failed before its VM can have run."""
    due = [State.FAILED.value, State.PLANNED.value]
    return Conversion.objects.filter(wave_id=wave_id, state__in=due, start_asked_at=None).exists()


@dataclass(frozen=True, slots=True)
class WaveProgress:
    """What the conversions of a wave add up to. `states`: number by state; bytes are of the virtual disks."""

    states: dict[str, int]
    disks: int = 0
    disks_verified: int = 0
    bytes_total: int = 0
    bytes_copied: int = 0
    bytes_zero: int = 0
    bytes_sent: int = 0


def progress_of_waves(wave_ids: Collection[UUID]) -> dict[UUID, WaveProgress]:
    """By wave, in two queries whatever their number. A wave without conversions is left out."""
    states: dict[UUID, dict[str, int]] = {}
    counted = Conversion.objects.filter(wave_id__in=wave_ids).order_by().values_list("wave_id", "state").annotate(Count("id"))
    for wave_id, state, number in counted:
        states.setdefault(wave_id, {})[state] = number
    rows = DiskCopy.objects.filter(conversion__wave_id__in=wave_ids).order_by().values_list("conversion__wave_id")
    figures = rows.annotate(
        disks=Count("id"),
        proven=Count("id", filter=Q(verified=True, compared=str(FULL))),
        total=Sum("bytes_total"),
        copied=Sum("bytes_copied"),
        zero=Sum("bytes_zero"),
        sent=Sum("bytes_sent"),
    )
    sums = {row[0]: row[1:] for row in figures}
    return {wave_id: WaveProgress(found, *sums.get(wave_id, ())) for wave_id, found in states.items()}


def moved_at_of_waves(wave_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When the first machine of each wave was done, in one query. A wave of which none is done now is left out."""
    done = ConversionEvent.objects.filter(
        conversion__wave_id__in=wave_ids, conversion__state=State.DONE.value, to_state=State.DONE.value
    )
    return dict(done.order_by().values_list("conversion__wave_id").annotate(Min("at")))


def done_at(project_id: UUID) -> dict[UUID, datetime]:
    """When each conversion of the project that is done now was done last, in one query."""
    done = ConversionEvent.objects.filter(
        conversion__project_id=project_id, conversion__state=State.DONE.value, to_state=State.DONE.value
    )
    return dict(done.order_by().values_list("conversion_id").annotate(Max("at")))


def disks_of(row: Conversion) -> list[DiskCopy]:
    """The disk copies of a conversion, boot disk first."""
    return list(DiskCopy.objects.filter(conversion=row).select_related("conversion"))


def open_ledger(row: Conversion) -> list[LedgerEntry]:
    """Objects made for a conversion that are still in the pool, as far as we know."""
    return list(LedgerEntry.objects.filter(conversion=row, removed_at=None))


def with_bytes(wave_id: UUID | str) -> list[Conversion]:
    """The conversions of a wave, each with `bytes_total` and `bytes_copied` of its disks, in one query."""
    rows = Conversion.objects.filter(wave_id=wave_id).defer("spec").order_by("created_at", "id")
    return list(
        rows.annotate(bytes_total=Coalesce(Sum("disks__bytes_total"), 0), bytes_copied=Coalesce(Sum("disks__bytes_copied"), 0))
    )


def running_settings(project: Project) -> RunningSettings:
    """How the project's conversions are run; a row that was not stored holds the defaults."""
    return RunningSettings.objects.filter(project=project).first() or RunningSettings(project=project)


def lanes_to_pool(conversion: Conversion) -> int:
    """How many disks of the same project are copied to the same pool just now, this conversion's included."""
    rows = Stream.objects.filter(project_id=conversion.project_id, conversion__pool_id=conversion.pool_id)
    return max(1, _running(rows)["disks"])


@dataclass(frozen=True, slots=True)
class AtWork:
    """How many machines of a project are being copied or read back just now, and how many of their disks."""

    machines: int
    disks: int


def at_work(project_id: UUID) -> AtWork:
    """What is on its way in a project."""
    return AtWork(**_running(Stream.objects.filter(project_id=project_id)))


def _running(rows: QuerySet[Stream]) -> dict[str, int]:
    held = rows.filter(job__state=JobState.RUNNING, fence__gt=0, fence=F("job__fence"))
    return held.aggregate(machines=Count("id"), disks=Coalesce(Sum("lanes"), 0))


def conversion_with_disks(conversion_id: UUID) -> Conversion | None:
    """One conversion with its disks, without their block maps and its description; None when it is gone."""
    disks = Prefetch("disks", DiskCopy.objects.defer("hashes"))
    return Conversion.objects.filter(pk=conversion_id).defer("spec").prefetch_related(disks).first()


def states_of(project_id: UUID, conversion_ids: Collection[UUID]) -> dict[str, tuple[str, State]]:
    """Name and state of those of these conversions that are the project's, by id as text."""
    rows = Conversion.objects.filter(project_id=project_id, pk__in=list(conversion_ids)).values_list("pk", "name", "state")
    return {str(key): (name, State(state)) for key, name, state in rows}


def with_open_ledger(pool_id: UUID | str) -> dict[str, tuple[str, State]]:
    """Cancelled conversions into this pool of which the ledger still has entries, likewise."""
    rows = Conversion.objects.filter(pool_id=pool_id, state=State.CANCELLED.value, ledger__removed_at=None, ledger__isnull=False)
    return {str(key): (name, State(state)) for key, name, state in rows.distinct().values_list("pk", "name", "state")}
