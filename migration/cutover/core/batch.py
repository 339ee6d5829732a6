"""A batch: its options, how many of its machines may be asked for now, and what its machines' states add up to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migration.conversion.core.states import ACTIVE, State

MOST_CONVERSIONS = 1000
PARALLEL = 16
"""So many machines of one wave are at work at a time unless its batch says otherwise: those that wait cost looks at a table."""
MOST_PARALLEL = 200


class BatchState(StrEnum):
    """What people read of a batch. `checking`: no wave yet; `refused`: none will be made."""

    CHECKING = "checking"
    REFUSED = "refused"
    PREPARING = "preparing"
    READY = "ready"
    RUNNING = "running"
    FAILED = "failed"
    DONE = "done"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """`parallel` machines at a time; `verify` in the words of `policy_from`, empty for the project's; `stop_on_failure` asks for
    no further machine once one has failed; machines of a higher `priority` copy before others.
    """

    parallel: int = PARALLEL
    priority: int = 0
    verify: str = ""
    stop_on_failure: bool = False


def options_from(values: Mapping[str, Any]) -> BatchOptions:
    """From their stored form."""
    return BatchOptions(
        parallel=values.get("parallel") or PARALLEL,
        priority=values.get("priority", 0),
        verify=values.get("verify", ""),
        stop_on_failure=bool(values.get("stop_on_failure", False)),
    )


def room_for(options: BatchOptions, *, at_work: int, failed: int) -> int:
    """How many more machines may be asked for while `at_work` are and `failed` of this run have failed."""
    if options.stop_on_failure and failed:
        return 0
    return max(0, options.parallel - at_work)


def state_of(has_wave: bool, job_state: str, states: Mapping[str, int]) -> BatchState:
    """One word for a batch, from its job and the number of its machines by state."""
    if not has_wave:
        return BatchState.REFUSED if job_state in ("failed", "cancelled", "succeeded") else BatchState.CHECKING
    counted = {State(state) for state, number in states.items() if number}
    if counted & (ACTIVE - {State.PREPARING}):
        return BatchState.RUNNING
    if State.PREPARING in counted or job_state in ("queued", "running", "waiting"):
        return BatchState.PREPARING
    if State.FAILED in counted or State.PLANNED in counted or not counted:
        return BatchState.FAILED
    if State.READY in counted:
        return BatchState.READY
    return BatchState.DONE if State.DONE in counted else BatchState.ENDED
