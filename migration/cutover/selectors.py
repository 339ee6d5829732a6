"""Reads of gate decisions for views, the cutover's own jobs and the reports."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from migration.cutover.models import GateDecisionRow


def latest_decision(wave_id: UUID | str) -> GateDecisionRow | None:
    """The newest answer of the gate for this wave."""
    return GateDecisionRow.objects.filter(wave_id=wave_id).first()


def decisions_of_wave(wave_id: UUID | str) -> list[GateDecisionRow]:
    """Every answer for this wave, oldest first."""
    return list(GateDecisionRow.objects.filter(wave_id=wave_id).order_by("decided_at", "created_at"))


def latest_decisions(project_id: UUID) -> dict[UUID, GateDecisionRow]:
    """The newest answer per wave of a project, by wave id."""
    newest: dict[UUID, GateDecisionRow] = {}
    for row in GateDecisionRow.objects.filter(project_id=project_id).select_related("asked_by"):
        newest.setdefault(row.wave_id, row)
    return newest


def decided_at(project_id: UUID) -> list[datetime]:
    """When the gate was answered for waves of a project, and when its answers were signed."""
    rows = GateDecisionRow.objects.filter(project_id=project_id).values_list("decided_at", "signed_at")
    return [moment for row in rows for moment in row if moment is not None]
