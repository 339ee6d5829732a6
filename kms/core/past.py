"""The count of one host on the days behind us, as its log replays to: one pass over the events, one figure per day.

Pure. Days before the log reaches back over the whole window are lower bounds and say so.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from kms.core.count import CountModel
from kms.core.observed import HostHistory, max_n_before
from kms.core.policy import DEFAULT_POLICY, KmsPolicy


@dataclass(frozen=True, slots=True)
class CountPoint:
    """A count at a moment; `at_least` where the record behind it is too short for more."""

    at: datetime
    count: int
    at_least: bool = False


def modelled_past(
    history: HostHistory, *, begin: datetime, at: datetime, policy: KmsPolicy = DEFAULT_POLICY
) -> tuple[CountPoint, ...]:
    """The modelled count once a day up to `at`, no earlier than `begin` or the oldest event at hand, in order of time."""
    covered = history.covered_from(at)
    if covered is None:
        return ()
    model = CountModel(policy, legacy=history.legacy, max_n=max_n_before(history, at, policy))
    coming = deque(history.contacts(at))
    points = []
    for moment in _daily(max(begin, covered), at):
        while coming and coming[0].seen_at <= moment:
            asked = coming.popleft()
            model.request(asked.seen_at, asked.cmid, asked.required_count, is_vm=asked.is_vm)
        points.append(CountPoint(moment, model.count(moment), at_least=moment - covered < policy.window))
    return tuple(points)


def _daily(begin: datetime, at: datetime) -> list[datetime]:
    """Moments a day apart that end with `at`, none before `begin`."""
    days = max(0, (at - begin) // timedelta(days=1))
    return [at - timedelta(days=number) for number in range(days, -1, -1)]
