"""Being told where a project aims. Planning knows; rules ask."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from migration.assessment.models import AssessmentTarget
from migration.assessment.services import assessing
from project.backbone.accounts.policy import Actor
from project.backbone.models import Project


def set_target(
    project: Project,
    *,
    pool_id: UUID | None,
    networks: Mapping[str, str],
    srs: Mapping[str, str],
    templates: Mapping[str, str],
    actor: Actor,
) -> None:
    """Keep the names of a mapping and ask for a new assessment if they changed. Names as in core.aim."""
    values = {"pool_id": pool_id, "networks": dict(networks), "srs": dict(srs), "templates": dict(templates)}
    row = AssessmentTarget.objects.filter(project=project).first()
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return
    AssessmentTarget.objects.update_or_create(project=project, defaults=values)
    assessing.ask_latest(project, actor=actor)
