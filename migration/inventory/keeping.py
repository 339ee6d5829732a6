"""What else hangs on an inventory: apps above say what cites it and drop what they made of it when it goes.

An app registers itself from its AppConfig.ready(); the inventory knows none of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


def _never(_project_id: UUID) -> Iterable[datetime]:
    return ()


def _nothing(_inventory_id: UUID) -> None:
    """Nothing was made of it."""


@dataclass(frozen=True, slots=True)
class Dependant:
    """`cited_at`: moments at which people of a project decided on what was known then. `forget`: called in the transaction
    that drops an inventory.
    """

    name: str
    cited_at: Callable[[UUID], Iterable[datetime]] = _never
    forget: Callable[[UUID], None] = _nothing


_dependants: dict[str, Dependant] = {}


def register(dependant: Dependant) -> None:
    """Have this asked and told; once, however often its app is loaded."""
    _dependants[dependant.name] = dependant


def cited_at(project_id: UUID) -> frozenset[datetime]:
    """Every moment at which people of the project decided on something."""
    return frozenset(moment for each in _dependants.values() for moment in each.cited_at(project_id))


def forget(inventory_id: UUID) -> None:
    """Drop whatever was made of this inventory."""
    for each in _dependants.values():
        each.forget(inventory_id)
