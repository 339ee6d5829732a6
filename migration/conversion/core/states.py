"""The life of a conversion: states people read, events that move it, and the only table of legal moves.

    planned -> preparing -> ready -> copying -> verifying -> cutting_over -> done -> rolled_back
                   |          |         |            |             |
                   +----------+---------+---- failed / cancelled --+      failed -> preparing (retry)

A copied or a failed machine is rolled back too, and a prepared one whose source an earlier attempt shut down: sources may be
down. A machine that failed when its VM ran already is finished as it is, if a person wants that.

The ~20 recoverable steps inside these states are in itinerary.py. Nobody else writes `Conversion.state`.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    PLANNED = "planned"
    PREPARING = "preparing"
    READY = "ready"
    COPYING = "copying"
    VERIFYING = "verifying"
    CUTTING_OVER = "cutting_over"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    PREPARE = "prepare"
    PREPARED = "prepared"
    SOURCE_STOPPED = "source_stopped"
    DISKS_COPIED = "disks_copied"
    DISKS_VERIFIED = "disks_verified"
    STARTED = "started"
    FAIL = "fail"
    RETRY = "retry"
    CANCEL = "cancel"
    ROLL_BACK = "roll_back"
    FINISH = "finish"


class IllegalTransition(ValueError):
    """The event does not apply in this state; somebody else moved the conversion, or the caller is wrong."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a conversion that is {state} cannot take the event {event}")
        self.state = state
        self.event = event


ACTIVE = frozenset({State.PREPARING, State.COPYING, State.VERIFYING, State.CUTTING_OVER})
ENDED = frozenset({State.DONE, State.ROLLED_BACK, State.FAILED, State.CANCELLED})

_MOVES: dict[tuple[State, Event], State] = {
    (State.PLANNED, Event.PREPARE): State.PREPARING,
    (State.PREPARING, Event.PREPARED): State.READY,
    (State.READY, Event.SOURCE_STOPPED): State.COPYING,
    (State.COPYING, Event.DISKS_COPIED): State.VERIFYING,
    (State.VERIFYING, Event.DISKS_VERIFIED): State.CUTTING_OVER,
    (State.CUTTING_OVER, Event.STARTED): State.DONE,
    (State.FAILED, Event.RETRY): State.PREPARING,
    (State.FAILED, Event.FINISH): State.DONE,
    (State.READY, Event.ROLL_BACK): State.ROLLED_BACK,
    (State.CUTTING_OVER, Event.ROLL_BACK): State.ROLLED_BACK,
    (State.DONE, Event.ROLL_BACK): State.ROLLED_BACK,
    (State.FAILED, Event.ROLL_BACK): State.ROLLED_BACK,
}
for _state in State:
    if _state not in ENDED:
        _MOVES[(_state, Event.FAIL)] = State.FAILED
        _MOVES[(_state, Event.CANCEL)] = State.CANCELLED
_MOVES[(State.FAILED, Event.CANCEL)] = State.CANCELLED


def next_state(state: State, event: Event) -> State:
    """Where the event leads. Raises IllegalTransition where the table has no move."""
    try:
        return _MOVES[(state, event)]
    except KeyError:
        raise IllegalTransition(state, event) from None


def may(state: State, event: Event) -> bool:
    """Whether the event applies in this state."""
    return (state, event) in _MOVES


def may_be_rolled_back(state: State, *, source_touched: bool) -> bool:
    """As `may`; a machine that was only prepared has nothing to undo unless its source was shut down for it before."""
    return may(state, Event.ROLL_BACK) and (state is not State.READY or source_touched)
