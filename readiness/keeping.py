"""What people decided on: apps above say which readings and judgements of a project's pools they cite, and when they looked.

An app registers itself from its AppConfig.ready(); readiness knows none of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


def _none(_project_id: UUID) -> Iterable[str]:
    return ()


def _never(_project_id: UUID) -> Iterable[datetime]:
    return ()


@dataclass(frozen=True, slots=True)
class Dependant:
    """`cited`: ids of readings and judgements that rows of a project name. `cited_at`: moments at which people decided, or were
    handed something, by what was the newest then.
    """

    name: str
    cited: Callable[[UUID], Iterable[str]] = _none
    cited_at: Callable[[UUID], Iterable[datetime]] = _never


_dependants: dict[str, Dependant] = {}


def register(dependant: Dependant) -> None:
    """Have this asked; once, however often its app is loaded."""
    _dependants[dependant.name] = dependant


def cited(project_id: UUID) -> frozenset[str]:
    """Every id that is named."""
    return frozenset(each for dependant in _dependants.values() for each in dependant.cited(project_id))


def cited_at(project_id: UUID) -> frozenset[datetime]:
    """Every moment at which people of the project decided on something."""
    return frozenset(moment for dependant in _dependants.values() for moment in dependant.cited_at(project_id))
