"""Job kind of the assessment: asked for by name after each complete inventory, and by people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from migration.assessment.core.registry import When
from migration.assessment.services.assessing import assess
from migration.assessment.services.trying import try_rule
from migration.inventory.selectors import inventory
from project.backbone.accounts import selectors as accounts
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler


@handler("assessment.assess", title="Assess an inventory", asked_anew_while_running=True)
def run(job: JobContext, inventory_id: str, modes: str | None = None) -> dict[str, Any]:
    """Put an inventory through all rules; run again, it replaces its own findings. `modes` None keeps the last ones."""
    wanted = None if modes is None else frozenset(When(mode) for mode in modes.split(",") if mode)
    assessment = assess(inventory(inventory_id), actor=job.actor, modes=wanted)
    job.progress(assessment.machine_count, assessment.machine_count, unit="machines")
    return {"assessment_id": str(assessment.id), "findings": assessment.finding_count}


@handler("assessment.try_rule", title="Try a rule")
def try_own_rule(job: JobContext, project_id: str, definition: dict[str, Any]) -> dict[str, Any]:
    """Ask one rule of the newest inventories; the answer is the job's result and nothing else is kept."""
    return try_rule(accounts.project(UUID(project_id), actor=job.actor), definition)
