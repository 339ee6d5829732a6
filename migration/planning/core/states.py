"""Life of a plan: a draft, until somebody else approves it; an approved plan never changes. The one table of its states."""

from __future__ import annotations

from enum import StrEnum


class PlanState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"


class PlanEvent(StrEnum):
    APPROVE = "approve"


class IllegalTransition(ValueError):
    """An event that the state does not know; nothing was changed."""


TRANSITIONS: dict[tuple[PlanState, PlanEvent], PlanState] = {(PlanState.DRAFT, PlanEvent.APPROVE): PlanState.APPROVED}


def next_state(state: PlanState, event: PlanEvent) -> PlanState:
    """The state after `event`. Raises IllegalTransition when the table has no such line."""
    try:
        return TRANSITIONS[state, event]
    except KeyError as missing:
        raise IllegalTransition(f"a plan that is {state} cannot take {event}") from missing
