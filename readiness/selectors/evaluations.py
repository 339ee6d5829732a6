"""Evaluations as values for pages, the gate and reports: the verdict, every check, the reasons, the simulated faults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from estate.facts.codec import from_json
from readiness.core.faults.singles import SimulatedFault
from readiness.core.results import CheckResult
from readiness.core.verdict import Reason, VerdictState
from readiness.models import Evaluation, Pool


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """One evaluation. `facts_id` is None when the pool could not be read at that time."""

    id: UUID
    pool_id: UUID
    facts_id: UUID | None
    facts_at: datetime | None
    verdict: VerdictState
    checks: tuple[CheckResult, ...]
    reasons: tuple[Reason, ...]
    simulated_faults: tuple[SimulatedFault, ...]
    refused_waivers: tuple[str, ...]
    policy_profile: str
    gate_profile: str
    for_cutover: bool
    planned_digest: str
    evaluated_at: datetime


def evaluations(pool: Pool) -> QuerySet[Evaluation]:
    """The pool's evaluations, newest first."""
    return Evaluation.objects.filter(pool=pool).select_related("inventory")


def latest_evaluation(pool_id: UUID | str) -> EvaluationView | None:
    """The newest evaluation, or None."""
    row = Evaluation.objects.select_related("inventory").filter(pool_id=pool_id).order_by("-evaluated_at", "-created_at").first()
    return None if row is None else view_of(row)


def last_ready(pool: Pool) -> Evaluation | None:
    """The newest evaluation by which the pool was ready, with or without waivers; None where there is none."""
    states = [VerdictState.READY.value, VerdictState.READY_WITH_WAIVERS.value]
    return evaluations(pool).filter(verdict__in=states, inventory__isnull=False).order_by("-evaluated_at", "-created_at").first()


def evaluation(evaluation_id: UUID | str) -> EvaluationView | None:
    """One evaluation by id, or None."""
    row = Evaluation.objects.select_related("inventory").filter(pk=evaluation_id).first()
    return None if row is None else view_of(row)


def _values(rows: list[Any], kind: type[Any]) -> tuple[Any, ...]:
    return tuple(from_json(row, kind) for row in rows)


def view_of(row: Evaluation) -> EvaluationView:
    """The row as a value."""
    return EvaluationView(
        id=row.id,
        pool_id=row.pool_id,
        facts_id=row.inventory_id,
        facts_at=row.inventory.collected_at if row.inventory else None,
        verdict=VerdictState(row.verdict),
        checks=_values(row.checks, CheckResult),
        reasons=_values(row.reasons, Reason),
        simulated_faults=_values(row.simulated_faults, SimulatedFault),
        refused_waivers=tuple(row.refused_waivers),
        policy_profile=row.policy_profile,
        gate_profile=row.gate_profile,
        for_cutover=row.for_cutover,
        planned_digest=row.planned_digest,
        evaluated_at=row.evaluated_at,
    )
