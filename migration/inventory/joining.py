"""Who has a say before two machines are joined or parted: apps above name what would be torn by it.

An app registers a function from its AppConfig.ready(); the inventory knows none of them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from project.backbone.models import Project

Objection = Callable[[Project, UUID, bool], str]
"""Asked of a machine's id and whether that id would vanish. Why it must stay as it is, as a clause; empty when it need not."""

_objections: list[Objection] = []


def register(objection: Objection) -> None:
    """Have this asked; once, however often its app is loaded."""
    if objection not in _objections:
        _objections.append(objection)


def objections(project: Project, machine_id: UUID, *, vanishes: bool) -> list[str]:
    """What stands against giving this machine another identity, or taking its id away."""
    return [said for ask in _objections if (said := ask(project, machine_id, vanishes))]
