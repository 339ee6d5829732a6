"""States of a job and every allowed move between them. Pure; nobody else decides what a job's state may become.

queued -> running -> succeeded | failed | cancelled
             |  ^
             v  |  (waiting rows are queued again when they are due)
          waiting
"""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobEvent(StrEnum):
    """What may happen to a job."""

    CLAIMED = "claimed"
    FINISHED = "finished"
    BROKE = "broke"
    WILL_RETRY = "will_retry"
    MUST_WAIT = "must_wait"
    LEASE_EXPIRED = "lease_expired"
    HANDED_BACK = "handed_back"
    GIVEN_UP = "given_up"
    DUE = "due"
    STOPPED = "stopped"
    ASKED_AGAIN = "asked_again"


class IllegalTransition(Exception):
    """The event cannot happen in this state."""


UNFINISHED = (JobState.QUEUED, JobState.RUNNING, JobState.WAITING)
FINISHED = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)

TRANSITIONS: dict[tuple[JobState, JobEvent], JobState] = {
    (JobState.QUEUED, JobEvent.CLAIMED): JobState.RUNNING,
    (JobState.QUEUED, JobEvent.STOPPED): JobState.CANCELLED,
    (JobState.RUNNING, JobEvent.FINISHED): JobState.SUCCEEDED,
    (JobState.RUNNING, JobEvent.BROKE): JobState.FAILED,
    (JobState.RUNNING, JobEvent.WILL_RETRY): JobState.QUEUED,
    (JobState.RUNNING, JobEvent.MUST_WAIT): JobState.WAITING,
    (JobState.RUNNING, JobEvent.LEASE_EXPIRED): JobState.QUEUED,
    (JobState.RUNNING, JobEvent.HANDED_BACK): JobState.QUEUED,
    (JobState.RUNNING, JobEvent.GIVEN_UP): JobState.FAILED,
    (JobState.RUNNING, JobEvent.STOPPED): JobState.CANCELLED,
    (JobState.WAITING, JobEvent.DUE): JobState.QUEUED,
    (JobState.WAITING, JobEvent.STOPPED): JobState.CANCELLED,
    (JobState.FAILED, JobEvent.ASKED_AGAIN): JobState.QUEUED,
    (JobState.CANCELLED, JobEvent.ASKED_AGAIN): JobState.QUEUED,
}


def next_state(state: str, event: JobEvent) -> JobState:
    """The state after `event`. Raises: IllegalTransition."""
    try:
        return TRANSITIONS[JobState(state), event]
    except KeyError:
        raise IllegalTransition(f"a {state} job cannot be {event.value}") from None
