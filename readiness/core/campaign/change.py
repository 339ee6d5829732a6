"""Changing a pool's HA timeout under a grant: which call comes next, and the life of a change. Pure.

    wanted -> recorded -> changed            recorded, changed, failed -> restoring -> restored
       |                                                                      |
       +---------------------- failed ----------------------------------------+

Each step is observe-then-act, so that whoever takes a change up after a crash goes on from what the pool is, not from what was
meant. What the pool was before is recorded before anything is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from readiness.core.campaign.states import follow


class ChangeState(StrEnum):
    WANTED = "wanted"
    RECORDED = "recorded"
    CHANGED = "changed"
    RESTORING = "restoring"
    RESTORED = "restored"
    FAILED = "failed"


class ChangeEvent(StrEnum):
    RECORD = "record"
    FINISH = "finish"
    GIVE_BACK = "give_back"
    FAIL = "fail"


OPEN_CHANGE = frozenset({ChangeState.WANTED, ChangeState.RECORDED, ChangeState.RESTORING})
_MOVES: dict[tuple[ChangeState, ChangeEvent], ChangeState] = {
    (ChangeState.WANTED, ChangeEvent.RECORD): ChangeState.RECORDED,
    (ChangeState.RECORDED, ChangeEvent.FINISH): ChangeState.CHANGED,
    (ChangeState.RECORDED, ChangeEvent.GIVE_BACK): ChangeState.RESTORING,
    (ChangeState.CHANGED, ChangeEvent.GIVE_BACK): ChangeState.RESTORING,
    (ChangeState.FAILED, ChangeEvent.GIVE_BACK): ChangeState.RESTORING,
    (ChangeState.RESTORING, ChangeEvent.FINISH): ChangeState.RESTORED,
}
for _state in OPEN_CHANGE:
    _MOVES[(_state, ChangeEvent.FAIL)] = ChangeState.FAILED


def next_change_state(state: ChangeState, event: ChangeEvent) -> ChangeState:
    """Where the event leads a change. Raises IllegalTransition."""
    return follow(_MOVES, state, event)


@dataclass(frozen=True, slots=True)
class HaSetting:
    """HA of a pool: on or off, the map it was enabled with, the default it keeps, and the timeout in force (None while off)."""

    enabled: bool
    configuration: dict[str, str]
    default: str | None
    timeout_s: int | None


class HaAction(StrEnum):
    """One call on the pool."""

    KEEP_DEFAULT = "keep_default"
    SWITCH_OFF = "switch_off"
    SWITCH_ON = "switch_on"
    NOTHING = "nothing"


def goal_of(before: HaSetting, timeout_s: int, *, default_survives: bool) -> HaSetting:
    """HA on at the timeout, which is kept as the default where the product can."""
    kept = str(timeout_s) if default_survives else before.default
    return HaSetting(True, {"timeout": str(timeout_s)}, kept, timeout_s)


def next_action(now: HaSetting, goal: HaSetting) -> HaAction:
    """What brings the pool a step nearer. HA is switched off only to come back with another timeout, or because it was off."""
    if now.default != goal.default:
        return HaAction.KEEP_DEFAULT
    if now.enabled and not (goal.enabled and now.timeout_s == goal.timeout_s):
        return HaAction.SWITCH_OFF
    return HaAction.SWITCH_ON if goal.enabled and not now.enabled else HaAction.NOTHING
