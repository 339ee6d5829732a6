"""Reads of gate decisions and batches for views, the cutover's own jobs and the reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from migration.conversion import selectors as conversions
from migration.conversion.selectors import Conversion
from migration.cutover.core.answer_code import answer_code
from migration.cutover.core.batch import state_of
from migration.cutover.core.change import Change, change_between
from migration.cutover.models import Batch, GateDecisionRow
from project.backbone.models import Job


def latest_decision(wave_id: UUID | str) -> GateDecisionRow | None:
    """The newest answer of the gate for this wave."""
    return GateDecisionRow.objects.filter(wave_id=wave_id).first()


@dataclass(frozen=True, slots=True)
class Since:
    """The answer before an answer, and which reasons came and went since."""

    decided_at: datetime
    state: str
    change: Change


def since_last(row: GateDecisionRow) -> Since | None:
    """What changed since the answer before this one; None for a wave's first. One query."""
    older = GateDecisionRow.objects.filter(wave_id=row.wave_id, decided_at__lt=row.decided_at).first()
    return _since(older, row) if older else None


def _since(older: GateDecisionRow, newer: GateDecisionRow) -> Since:
    return Since(older.decided_at, older.state, change_between(older.reasons, newer.reasons))


def decisions_of_wave(wave_id: UUID | str) -> list[GateDecisionRow]:
    """Every answer for this wave, oldest first."""
    return list(GateDecisionRow.objects.filter(wave_id=wave_id).order_by("decided_at", "created_at"))


@dataclass(frozen=True, slots=True)
class NewestAnswer:
    """A wave's newest answer, and what changed since the one before it; None for its first."""

    row: GateDecisionRow
    since: Since | None = None


def newest_answers(project_id: UUID) -> dict[UUID, NewestAnswer]:
    """The newest answer per wave of a project, by wave id. One query."""
    found: dict[UUID, NewestAnswer] = {}
    for row in GateDecisionRow.objects.filter(project_id=project_id).select_related("asked_by"):
        newer = found.get(row.wave_id)
        if newer is None:
            found[row.wave_id] = NewestAnswer(row)
        elif newer.since is None:
            found[row.wave_id] = NewestAnswer(newer.row, _since(row, newer.row))
    return found


def cited_by_gates(project_id: UUID) -> list[str]:
    """Ids of everything that answers of the gate name as what they stand on."""
    rows = GateDecisionRow.objects.filter(project_id=project_id).values_list("fact_ids", flat=True)
    return [str(fact_ids[name]) for fact_ids in rows for name in ("pool_facts", "evaluation") if fact_ids.get(name)]


def decided_at(project_id: UUID) -> list[datetime]:
    """When the gate was answered for waves of a project, and when its answers were signed."""
    rows = GateDecisionRow.objects.filter(project_id=project_id).values_list("decided_at", "signed_at")
    return [moment for row in rows for moment in row if moment is not None]


def batch(batch_id: UUID | str) -> Batch:
    """One batch with its project, for jobs. Raises: Batch.DoesNotExist."""
    return Batch.objects.select_related("project").get(pk=batch_id)


def batch_of_job(job_id: UUID) -> Batch | None:
    """The batch that this job was asked to make."""
    return Batch.objects.select_related("project").filter(made_by_job_id=job_id).first()


def batch_of_wave(wave_id: UUID | str) -> Batch | None:
    """The batch whose wave this is; None for a plan's."""
    return Batch.objects.filter(wave_id=wave_id).first()


@dataclass(frozen=True, slots=True)
class BatchView:
    """What a batch shows beside its row. `items` are its conversions with their bytes; empty in lists."""

    state: str
    conversions: int
    states: dict[str, int]
    disks: int
    disks_verified: int
    bytes_total: int
    bytes_copied: int
    bytes_zero: int
    bytes_sent: int
    items: Sequence[Conversion] = ()


def with_views(rows: Iterable[Batch]) -> list[Batch]:
    """The batches, each with its `view`; three queries whatever their number and size."""
    batches = list(rows)
    sums = conversions.progress_of_waves([row.wave_id for row in batches if row.wave_id is not None])
    states = dict(Job.objects.filter(pk__in=[row.job_id for row in batches]).values_list("pk", "state"))
    for row in batches:
        progress = sums.get(row.wave_id) if row.wave_id is not None else None
        row.view = _view(row, progress or conversions.WaveProgress({}), states.get(row.job_id, ""))  # type: ignore[attr-defined]
    return batches


def with_items(row: Batch) -> Batch:
    """One batch with its `view` and every conversion in it, in a number of queries that does not depend on theirs."""
    (shown,) = with_views([row])
    items = conversions.with_bytes(row.wave_id) if row.wave_id is not None else []
    shown.view = replace(shown.view, items=items)  # type: ignore[attr-defined]
    return shown


def _view(row: Batch, progress: conversions.WaveProgress, job_state: str) -> BatchView:
    return BatchView(
        state=state_of(row.wave_id is not None, job_state, progress.states).value,
        conversions=len(row.asked),
        states=progress.states,
        disks=progress.disks,
        disks_verified=progress.disks_verified,
        bytes_total=progress.bytes_total,
        bytes_copied=progress.bytes_copied,
        bytes_zero=progress.bytes_zero,
        bytes_sent=progress.bytes_sent,
    )


def code_of(row: GateDecisionRow) -> str:
    """The code of an answer, by which a signed document names it."""
    said = {name: getattr(row, name) for name in ("phase", "state", "reasons", "warnings", "fact_ids", "asked_by_name")}
    return answer_code({"id": str(row.pk), "wave": str(row.wave_id), "decided_at": row.decided_at.isoformat(), **said})
