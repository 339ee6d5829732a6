"""Changing HA step by step: whatever the pool is, a few calls bring it to the goal, and none is made in vain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.core.campaign.change import (
    OPEN_CHANGE,
    ChangeEvent,
    ChangeState,
    HaAction,
    HaSetting,
    goal_of,
    next_action,
    next_change_state,
)
from readiness.core.campaign.states import IllegalTransition

DEFAULTS = st.sampled_from([None, "60", "90", "120"])


def in_force_s(configuration: dict[str, str], default: str | None) -> int:
    return int(configuration.get("timeout") or default or 60)


def a_setting(enabled: bool, timeout: str | None, default: str | None) -> HaSetting:
    configuration = {} if timeout is None else {"timeout": timeout}
    return HaSetting(enabled, configuration, default, in_force_s(configuration, default) if enabled else None)


SETTINGS = st.builds(a_setting, st.booleans(), DEFAULTS, DEFAULTS)


def acted(now: HaSetting, action: HaAction, goal: HaSetting) -> HaSetting:
    """What the pool is after a call; a default that changes while HA is on is not in force before the next enable."""
    if action is HaAction.KEEP_DEFAULT:
        return replace(now, default=goal.default)
    if action is HaAction.SWITCH_OFF:
        return replace(now, enabled=False, timeout_s=None)
    configuration = dict(goal.configuration)
    return HaSetting(True, configuration, now.default, in_force_s(configuration, now.default))


@given(SETTINGS, SETTINGS)
def test_three_calls_at_most_bring_any_pool_to_any_goal(now: HaSetting, goal: HaSetting) -> None:
    for _ in range(3):
        action = next_action(now, goal)
        if action is not HaAction.NOTHING:
            now = acted(now, action, goal)
    assert next_action(now, goal) is HaAction.NOTHING
    assert (now.enabled, now.default, now.timeout_s) == (goal.enabled, goal.default, goal.timeout_s)


@given(SETTINGS)
def test_a_pool_that_is_there_already_is_left_alone(setting: HaSetting) -> None:
    assert next_action(setting, setting) is HaAction.NOTHING


def test_the_default_is_kept_before_ha_is_touched_and_left_alone_where_the_product_loses_it() -> None:
    before = a_setting(True, "60", None)
    goal = goal_of(before, 90, default_survives=True)
    assert (goal.default, next_action(before, goal)) == ("90", HaAction.KEEP_DEFAULT)
    old = goal_of(before, 90, default_survives=False)
    assert (old.default, next_action(before, old)) == (None, HaAction.SWITCH_OFF)


def test_nothing_is_finished_that_was_not_recorded_and_what_ended_well_can_only_be_given_back() -> None:
    with pytest.raises(IllegalTransition):
        next_change_state(ChangeState.WANTED, ChangeEvent.FINISH)
    for state in set(ChangeState) - OPEN_CHANGE - {ChangeState.RESTORED}:
        assert next_change_state(state, ChangeEvent.GIVE_BACK) is ChangeState.RESTORING
        with pytest.raises(IllegalTransition):
            next_change_state(state, ChangeEvent.FINISH)
