"""The job's transition table: every allowed move is listed, everything else is refused."""

from __future__ import annotations

from itertools import product

import pytest

from project.backbone.jobs.states import FINISHED, TRANSITIONS, UNFINISHED, IllegalTransition, JobEvent, JobState, next_state


@pytest.mark.parametrize(("state", "event"), list(product(JobState, JobEvent)))
def test_every_move_is_in_the_table_or_refused(state: JobState, event: JobEvent) -> None:
    if (state, event) in TRANSITIONS:
        assert next_state(state.value, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition):
            next_state(state.value, event)


def test_every_state_is_either_finished_or_not() -> None:
    assert set(UNFINISHED) | set(FINISHED) == set(JobState)
    assert not set(UNFINISHED) & set(FINISHED)


def test_only_a_person_wakes_a_finished_job() -> None:
    leaving = {event for (state, event) in TRANSITIONS if state in FINISHED}
    assert leaving == {JobEvent.ASKED_AGAIN}


def test_a_succeeded_job_stays_so() -> None:
    assert not [move for move in TRANSITIONS if move[0] is JobState.SUCCEEDED]


def test_every_state_can_be_reached() -> None:
    assert set(TRANSITIONS.values()) == set(JobState)
