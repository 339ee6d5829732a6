"""What people decided on: apps above say which readings and judgements of a project's pools they cite by their ids.

An app registers itself from its AppConfig.ready(); readiness knows none of them by name. When they decided: see the backbone's
`deciding`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

Cited = Callable[[UUID], Iterable[str]]
"""Of a project's id: ids of readings and judgements that its rows name."""

_registered: dict[str, Cited] = {}


def register(name: str, ids: Cited) -> None:
    """Have this asked; once, however often its app is loaded."""
    _registered[name] = ids


def cited(project_id: UUID) -> frozenset[str]:
    """Every id that is named."""
    return frozenset(each for ids in _registered.values() for each in ids(project_id))
