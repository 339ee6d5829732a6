"""What is due of KMS by schedule: asked for as jobs of their own, so that one project's silence holds up no other."""

from __future__ import annotations

from typing import Any

from kms.selectors.network import settings_due
from kms.services.network import ask_look
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext


def ask_due(job: JobContext) -> dict[str, Any]:
    """How many looks were asked for."""
    due = settings_due(now())
    for settings in due:
        job.alive()
        ask_look(settings.project, actor=job.actor)
    return {"looks": len(due)}
