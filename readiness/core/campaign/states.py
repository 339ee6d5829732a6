"""The lives of a campaign and of a trial in it: states people read, events that move them, and the only tables of legal moves.

    campaign   preflight -> running -> complete              trial   requested -> watching -> ending -> watched -> confirmed
                  |  ^         |                                         |            |          |         |
                  v  |         v                                      refused         +------ discarded ---+
               preflight_failed          every open one -> abandoned

Which step a running campaign is at follows from its evidence (ladder.py). Nobody else writes either state.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class CampaignState(StrEnum):
    PREFLIGHT = "preflight"
    PREFLIGHT_FAILED = "preflight_failed"
    RUNNING = "running"
    COMPLETE = "complete"
    ABANDONED = "abandoned"


class CampaignEvent(StrEnum):
    PASS_PREFLIGHT = "pass_preflight"  # noqa: S105 - an event, no password
    FAIL_PREFLIGHT = "fail_preflight"
    COMPLETE = "complete"
    ABANDON = "abandon"


class TrialState(StrEnum):
    REQUESTED = "requested"  # the pool is read and asked once more whether a trial may begin
    WATCHING = "watching"  # the node may be power-cycled now
    ENDING = "ending"  # a person says that all is back; one last look is due
    WATCHED = "watched"  # what was seen waits to be confirmed
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    DISCARDED = "discarded"


class TrialEvent(StrEnum):
    BEGIN = "begin"
    REFUSE = "refuse"
    END = "end"
    LAST_LOOK = "last_look"
    CONFIRM = "confirm"
    DISCARD = "discard"


class IllegalTransition(ValueError):
    """The event does not apply in this state; somebody else moved it, or the caller is wrong."""

    def __init__(self, state: StrEnum, event: StrEnum) -> None:
        super().__init__(f"what is {state} cannot take the event {event}")
        self.state = state
        self.event = event


OPEN_CAMPAIGN = frozenset({CampaignState.PREFLIGHT, CampaignState.PREFLIGHT_FAILED, CampaignState.RUNNING})
OPEN_TRIAL = frozenset({TrialState.REQUESTED, TrialState.WATCHING, TrialState.ENDING, TrialState.WATCHED})

_CAMPAIGN: dict[tuple[CampaignState, CampaignEvent], CampaignState] = {
    (CampaignState.RUNNING, CampaignEvent.COMPLETE): CampaignState.COMPLETE,
}
for _state in OPEN_CAMPAIGN:
    _CAMPAIGN[(_state, CampaignEvent.PASS_PREFLIGHT)] = CampaignState.RUNNING
    _CAMPAIGN[(_state, CampaignEvent.FAIL_PREFLIGHT)] = CampaignState.PREFLIGHT_FAILED
    _CAMPAIGN[(_state, CampaignEvent.ABANDON)] = CampaignState.ABANDONED

_TRIAL: dict[tuple[TrialState, TrialEvent], TrialState] = {
    (TrialState.REQUESTED, TrialEvent.BEGIN): TrialState.WATCHING,
    (TrialState.REQUESTED, TrialEvent.REFUSE): TrialState.REFUSED,
    (TrialState.WATCHING, TrialEvent.END): TrialState.ENDING,
    (TrialState.ENDING, TrialEvent.LAST_LOOK): TrialState.WATCHED,
    (TrialState.WATCHED, TrialEvent.CONFIRM): TrialState.CONFIRMED,
}
for _open in OPEN_TRIAL:
    _TRIAL[(_open, TrialEvent.DISCARD)] = TrialState.DISCARDED


State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def follow(table: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    """Where the event leads by a table of moves. Raises IllegalTransition where it has none."""
    try:
        return table[(state, event)]
    except KeyError:
        raise IllegalTransition(state, event) from None


def next_campaign_state(state: CampaignState, event: CampaignEvent) -> CampaignState:
    """Where the event leads a campaign. Raises IllegalTransition."""
    return follow(_CAMPAIGN, state, event)


def next_trial_state(state: TrialState, event: TrialEvent) -> TrialState:
    """Where the event leads a trial. Raises IllegalTransition."""
    return follow(_TRIAL, state, event)
