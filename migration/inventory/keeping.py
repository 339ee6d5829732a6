"""What hangs on an inventory: apps above drop what they made of it when it goes.

An app registers itself from its AppConfig.ready(); the inventory knows none of them by name. What people decided on is kept: see
the backbone's `deciding`.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

Forget = Callable[[UUID], None]
"""Of an inventory's id: called in the transaction that drops it."""

_registered: dict[str, Forget] = {}


def register(name: str, forgets: Forget) -> None:
    """Have this told; once, however often its app is loaded."""
    _registered[name] = forgets


def forget(inventory_id: UUID) -> None:
    """Drop whatever was made of this inventory."""
    for forgets in _registered.values():
        forgets(inventory_id)
