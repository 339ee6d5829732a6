"""Job kind of planning. Takes ids, makes one plan; run again, it finds the plan it made."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from migration.planning.services.plans import PlanRequest, make
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler


@handler("planning.plan", title="Make a plan")
def plan(job: JobContext, *, pool_id: str, mapping_id: str, machine_ids: list[str] | None, **asked: Any) -> dict[str, Any]:
    """Assess again, place the machines and fill the wave."""
    machines = None if machine_ids is None else tuple(map(UUID, machine_ids))
    wanted = PlanRequest(pool_id=UUID(pool_id), mapping_id=UUID(mapping_id), machine_ids=machines, **asked)
    made = make(wanted, job_id=job.id, actor=job.actor)
    included = made.machines.filter(wave__isnull=False).count()
    return {
        "plan_id": str(made.id),
        "wave_ids": [str(wave_id) for wave_id in made.waves.values_list("id", flat=True)],
        "included": included,
        "left_out": made.machines.count() - included,
    }
