"""Asks for the look at both sides before anything is copied: of a wave, or of a batch that is only tried. Changes nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from project.backbone.accounts.policy import Actor, Role
from project.backbone.jobs import services as jobs
from project.backbone.jobs.services import IdempotencyKey
from project.backbone.models import Job, Project


def ask_preflight(
    project: Project, *, wave_id: UUID, name: str, actor: Actor, idempotency_key: IdempotencyKey | None = None
) -> Job:
    """Ask for the job that looks at both sides of a wave; its result has every answer. Asked while it looks, it is that one."""
    actor.require(project, Role.OPERATOR)
    return jobs.enqueue(
        "conversion.preflight",
        project=project,
        params={"wave_id": str(wave_id)},
        actor=actor,
        subject=name,
        unique=f"conversion.preflight:{wave_id}",
        idempotency_key=idempotency_key,
    )


def ask_look_at_batch(project: Project, wanted: dict[str, Any], *, verify: str, actor: Actor) -> Job:
    """Ask for the same of the machines of a batch that can be planned: `wanted` is the batch's request in JSON values."""
    actor.require(project, Role.OPERATOR)
    asked = {name: wanted[name] for name in ("name", "pool", "mapping", "conversions")}
    params = {"wanted": asked, "verify": verify}
    return jobs.enqueue("conversion.look_at_batch", project=project, params=params, actor=actor, subject=wanted["name"])
