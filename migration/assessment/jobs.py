"""Job kind of the assessment: asked for by name after each complete inventory, and by people."""

from __future__ import annotations

from typing import Any

from migration.assessment.core.registry import When
from migration.assessment.services.assessing import assess
from migration.inventory.selectors import inventory
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler


@handler("assessment.assess", title="Assess an inventory")
def run(job: JobContext, inventory_id: str, modes: str | None = None) -> dict[str, Any]:
    """Put an inventory through all rules; run again, it replaces its own findings. `modes` None keeps the last ones."""
    wanted = None if modes is None else frozenset(When(mode) for mode in modes.split(",") if mode)
    assessment = assess(inventory(inventory_id), actor=job.actor, modes=wanted)
    job.progress(assessment.machine_count, assessment.machine_count, unit="machines")
    return {"assessment_id": str(assessment.id), "findings": assessment.finding_count}
