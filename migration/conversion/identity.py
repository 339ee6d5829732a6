"""What the conversions have against giving a machine another identity. Registered when Django is ready."""

from __future__ import annotations

from uuid import UUID

from migration.conversion.core.states import State
from migration.conversion.models import Conversion
from project.backbone.models import Project

FORGETTABLE = frozenset({State.CANCELLED})
AT_REST = frozenset({State.CANCELLED, State.FAILED, State.ROLLED_BACK, State.DONE})


def conversion_stands(project: Project, machine_id: UUID, vanishes: bool) -> str:
    """An id that vanishes must have no conversion to tell of; one that stays must not be in the middle of one."""
    harmless = FORGETTABLE if vanishes else AT_REST
    rows = Conversion.objects.filter(project=project, machine_id=machine_id).exclude(
        state__in=[state.value for state in harmless]
    )
    found = rows.first()
    return f"its conversion is {found.state}" if found is not None else ""
