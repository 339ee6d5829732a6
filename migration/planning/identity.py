"""What the plans have against giving a machine another identity. Registered when Django is ready."""

from __future__ import annotations

from uuid import UUID

from migration.planning.core.states import PlanState
from migration.planning.models import PlannedMachine
from project.backbone.models import Project


def plan_places(project: Project, machine_id: UUID, vanishes: bool) -> str:
    """An approved plan never changes, so an id that it places must not vanish."""
    if not vanishes:
        return ""
    placed = PlannedMachine.objects.filter(machine_id=machine_id, wave__isnull=False, plan__project=project)
    found = placed.filter(plan__state=PlanState.APPROVED.value).select_related("plan").first()
    return f"the approved plan {found.plan} places it" if found is not None else ""
