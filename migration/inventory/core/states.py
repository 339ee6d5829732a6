"""Life of an inventory: it is collected, then complete or failed, and never changes after that. The one table of its states."""

from __future__ import annotations

from enum import StrEnum


class InventoryState(StrEnum):
    COLLECTING = "collecting"
    COMPLETE = "complete"
    FAILED = "failed"


class InventoryEvent(StrEnum):
    ALL_READ = "all_read"
    GAVE_UP = "gave_up"
    REPLACED = "replaced"


class IllegalTransition(ValueError):
    """An event that the state does not know; nothing was changed."""


TRANSITIONS: dict[tuple[InventoryState, InventoryEvent], InventoryState] = {
    (InventoryState.COLLECTING, InventoryEvent.ALL_READ): InventoryState.COMPLETE,
    (InventoryState.COLLECTING, InventoryEvent.GAVE_UP): InventoryState.FAILED,
    (InventoryState.COLLECTING, InventoryEvent.REPLACED): InventoryState.FAILED,
}


def next_state(state: InventoryState, event: InventoryEvent) -> InventoryState:
    """The state after `event`. Raises IllegalTransition when the table has no such line."""
    try:
        return TRANSITIONS[state, event]
    except KeyError as missing:
        raise IllegalTransition(f"an inventory that is {state} cannot take {event}") from missing
