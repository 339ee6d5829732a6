"""When people decided: what was known at such a moment is kept, by whatever app holds it. Apps say here when they asked.

An app registers itself from its AppConfig.ready(); nobody who keeps something knows them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

Moments = Callable[[UUID], Iterable[datetime]]
"""Of a project's id: moments at which people decided, or were handed something, by what was the newest then."""

_registered: dict[str, Moments] = {}


def register(name: str, moments: Moments) -> None:
    """Have this asked; once, however often its app is loaded."""
    _registered[name] = moments


def decided_at(project_id: UUID) -> frozenset[datetime]:
    """Every moment at which people of the project decided on something."""
    return frozenset(moment for moments in _registered.values() for moment in moments(project_id))
