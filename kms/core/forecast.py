"""The count of one host on the days to come: its clients renew, planned machines move, others leave.

Pure. Where the future is open (does a move keep the CMID? who are the clients the log does not show?) both bounds are
computed and every day is a range. What is planned is in plan.py, who is expected when in expected.py, the verdict in judge.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from estate.facts.kms import KmsContact
from estate.facts.unknown import Unknown
from kms.core.count import CountModel
from kms.core.expected import Ending, Expected, endings, expected_requests, last_contacts
from kms.core.observed import HostCount, HostHistory, count_at, replay
from kms.core.plan import Plan
from kms.core.policy import DEFAULT_POLICY, KmsPolicy

SAMPLE_STEP = timedelta(hours=1)  # ours: a dip shorter than an hour falls below the two-hour retry of any client
_STEPS_PER_DAY = timedelta(days=1) // SAMPLE_STEP


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """The lowest count from `at` on for 24 hours: at least `lower`, at most `upper`."""

    at: datetime
    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """One host, day by day, from the count it starts with."""

    start: HostCount
    days: tuple[ForecastDay, ...]

    def lowest(self, begin: datetime, end: datetime) -> ForecastDay | None:
        """The day with the smallest lower bound that overlaps begin..end, with the smallest upper bound of all of them."""
        days = [day for day in self.days if day.at <= end and day.at + timedelta(days=1) > begin]
        if not days:
            return None
        worst = min(days, key=lambda day: day.lower)
        return ForecastDay(worst.at, worst.lower, min(day.upper for day in days))


def forecast(
    history: HostHistory, *, now: datetime, days: int, plan: Plan | None = None, policy: KmsPolicy = DEFAULT_POLICY
) -> Forecast:
    """The count of one host for today and the next `days` days.

    Clients silent for more than `policy.silent_after` are taken not to come back. The start is what is known at `now`; a
    host whose count is UNKNOWN yields no days.
    """
    start = count_at(history, now, policy)
    if isinstance(start.count, Unknown):
        return Forecast(start, ())
    plan = plan or Plan()
    known = last_contacts(history, now)
    model = replay(history, now, policy)
    scenarios = [_scenario(model.copy(), known, now, days, policy, plan, ending) for ending in endings(plan)]
    by_day = zip(*scenarios, strict=True)
    unseen = _unseen_by_day(start, now, days, policy)
    return Forecast(start, tuple(_day(now, number, start, *day) for number, day in enumerate(zip(by_day, unseen, strict=True))))


def _day(now: datetime, number: int, start: HostCount, counts: tuple[int, ...], unseen: int) -> ForecastDay:
    """Clients only the log knows (`surplus`) may be gone: the lower bound does without them."""
    lower = max(0, min(counts) - start.surplus)
    upper = max(counts) + unseen
    return ForecastDay(now + timedelta(days=number), lower, min(upper, start.cap) if start.cap else upper)


def _unseen_by_day(start: HostCount, now: datetime, days: int, policy: KmsPolicy) -> Iterator[int]:
    """How many clients the host counts without an event may still be there on each day.

    A client that renews weekly shows up in eight days of log. If the log is that long and does not show it, it is silent and
    is forgotten at the latest one window after the log's beginning.
    """
    covered = start.covered_from
    expires_at = covered + policy.window if covered is not None and now - covered >= policy.silent_after else None
    for number in range(days + 1):
        gone = expires_at is not None and now + timedelta(days=number) >= expires_at
        yield 0 if gone else start.unseen


def _scenario(
    model: CountModel,
    known: tuple[KmsContact, ...],
    now: datetime,
    days: int,
    policy: KmsPolicy,
    plan: Plan,
    ending: Ending,
) -> list[int]:
    """The lowest count of each day when every open question of the plan ends as `ending` says."""
    horizon = now + timedelta(days=days + 1)
    coming = deque(expected_requests(known, now=now, horizon=horizon, plan=plan, policy=policy, ending=ending))
    losses = deque([max(now, plan.host_moves_at)] if ending.cache_lost and plan.host_moves_at else [])
    lowest: list[int] = []
    for number in range(days + 1):
        midnight = now + timedelta(days=number)
        hours = (midnight + step * SAMPLE_STEP for step in range(_STEPS_PER_DAY))
        lowest.append(min(_count_after(model, coming, losses, at) for at in hours))
    return lowest


def _count_after(model: CountModel, coming: deque[Expected], losses: deque[datetime], at: datetime) -> int:
    """The count at `at`, after everybody who is due by then has asked; at the moment of a loss it is 0."""
    lost = bool(losses) and losses[0] <= at
    if lost:
        _ask(model, coming, losses[0])
        model.forget(losses.popleft())
    _ask(model, coming, at)
    return 0 if lost else model.count(at)


def _ask(model: CountModel, coming: deque[Expected], until: datetime) -> None:
    while coming and coming[0].at <= until:
        due = coming.popleft()
        model.request(due.at, due.cmid, due.required_count, is_vm=due.is_vm)
