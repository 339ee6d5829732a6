"""What is due of KMS by schedule: asked for as jobs of their own, so that one project's silence holds up no other."""

from __future__ import annotations

from typing import Any

from kms.selectors.collecting import collections_due
from kms.selectors.network import settings_due
from kms.services.collecting import ask_collect
from kms.services.network import ask_look
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext


def ask_due(job: JobContext) -> dict[str, Any]:
    """How many looks and collections were asked for."""
    looks, collections = settings_due(now()), collections_due(now())
    for settings in looks:
        job.alive()
        ask_look(settings.project, actor=job.actor)
    for collection in collections:
        job.alive()
        ask_collect(collection, actor=job.actor)
    return {"looks": len(looks), "collections": len(collections)}
