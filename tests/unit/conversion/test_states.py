"""The transition table of a conversion: the straight way, the ways out, and nothing else."""

from __future__ import annotations

import pytest

from migration.conversion.core.states import ENDED, Event, IllegalTransition, State, may, next_state

STRAIGHT_WAY = [
    (Event.PREPARE, State.PREPARING),
    (Event.PREPARED, State.READY),
    (Event.SOURCE_STOPPED, State.COPYING),
    (Event.DISKS_COPIED, State.VERIFYING),
    (Event.DISKS_VERIFIED, State.CUTTING_OVER),
    (Event.STARTED, State.DONE),
]


def test_a_conversion_walks_from_planned_to_done() -> None:
    state = State.PLANNED
    for event, expected in STRAIGHT_WAY:
        state = next_state(state, event)
        assert state is expected


def test_a_vm_never_starts_before_its_disks_were_verified() -> None:
    allowed = [state for state in State if may(state, Event.STARTED)]
    assert allowed == [State.CUTTING_OVER]
    assert [state for state in State if may(state, Event.DISKS_VERIFIED)] == [State.VERIFYING]


@pytest.mark.parametrize("state", sorted(set(State) - ENDED))
def test_every_unfinished_conversion_can_fail_and_be_cancelled(state: State) -> None:
    assert next_state(state, Event.FAIL) is State.FAILED
    assert next_state(state, Event.CANCEL) is State.CANCELLED


@pytest.mark.parametrize("state", [State.DONE, State.CANCELLED, State.ROLLED_BACK])
def test_what_ended_cannot_fail_any_more(state: State) -> None:
    with pytest.raises(IllegalTransition, match=f"{state} cannot take the event fail"):
        next_state(state, Event.FAIL)


def test_a_failed_conversion_is_prepared_again_from_the_start() -> None:
    assert next_state(State.FAILED, Event.RETRY) is State.PREPARING
