"""The count of one host on the days to come: its clients renew, planned machines move, others leave.

Pure. Where the future is open (does a move keep the CMID? who are the clients the log does not show?) both bounds are
computed and every day is a range. No verdict in here: see verdict.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from estate.facts.unknown import Unknown
from kms.core.count import CachedClient, CountModel
from kms.core.observed import HostCount, HostHistory, count_at, replay
from kms.core.policy import DEFAULT_POLICY, KmsPolicy

SAMPLE_STEP = timedelta(hours=1)  # ours: a dip shorter than an hour falls below the two-hour retry of any client
_STEPS_PER_DAY = timedelta(days=1) // SAMPLE_STEP


class CmidPolicy(StrEnum):
    """What becomes of a client's CMID when its machine moves. UNKNOWN computes both."""

    PRESERVED = "preserved"
    REGENERATED = "regenerated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """A client's machine comes up on the new pool at `at` and asks its KMS host again."""

    cmid: str
    at: datetime
    cmid_policy: CmidPolicy = CmidPolicy.UNKNOWN


@dataclass(frozen=True, slots=True)
class Departure:
    """A client is switched off for good at `at`: it renews no more and is forgotten 30 days after its last contact."""

    cmid: str
    at: datetime


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


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to happen to a host's clients."""

    moves: tuple[PlannedMove, ...] = ()
    departures: tuple[Departure, ...] = ()


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
    kept, renewed = (_scenario(history, now, days, plan, policy, unknown_as) for unknown_as in _BOTH)
    unseen = _unseen_by_day(start, now, days, policy)
    bounds = zip(kept, renewed, unseen, strict=True)
    return Forecast(start, tuple(_day(now, number, start, *bound) for number, bound in enumerate(bounds)))


_BOTH = (CmidPolicy.PRESERVED, CmidPolicy.REGENERATED)


def _day(now: datetime, number: int, start: HostCount, kept: int, renewed: int, unseen: int) -> ForecastDay:
    """Clients only the log knows (`surplus`) may be gone: the lower bound does without them."""
    lower = max(0, min(kept, renewed) - start.surplus)
    upper = max(kept, renewed) + unseen
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


@dataclass(frozen=True, slots=True)
class _Track:
    """One CMID's expected requests: weekly from `begins_at` until before `ends_at`."""

    client: CachedClient
    cmid: str
    begins_at: datetime
    ends_at: datetime

    def requests(self, renewal: timedelta) -> Iterator[_Request]:
        at = self.begins_at
        while at < self.ends_at:
            yield _Request(at, self.cmid, self.client.required_count)
            at += renewal


@dataclass(frozen=True, slots=True)
class _Request:
    at: datetime
    cmid: str
    required_count: int


def _scenario(history: HostHistory, now: datetime, days: int, plan: Plan, policy: KmsPolicy, unknown_as: CmidPolicy) -> list[int]:
    """The lowest count of each day when every open CMID policy turns out as `unknown_as`."""
    model = replay(history, now, policy)
    horizon = now + timedelta(days=days + 1)
    coming = deque(_expected_requests(model, now, horizon, plan, policy, unknown_as))
    lowest: list[int] = []
    for number in range(days + 1):
        midnight = now + timedelta(days=number)
        lowest.append(min(_count_after(model, coming, midnight + step * SAMPLE_STEP) for step in range(_STEPS_PER_DAY)))
    return lowest


def _count_after(model: CountModel, coming: deque[_Request], at: datetime) -> int:
    """The count at `at`, after everybody who is due by then has asked."""
    while coming and coming[0].at <= at:
        request = coming.popleft()
        # Only clients the host does store are in its cache, so nothing here may be held back as a VM on a legacy host.
        model.request(request.at, request.cmid, request.required_count, is_vm=False)
    return model.count(at)


def _expected_requests(
    model: CountModel, now: datetime, horizon: datetime, plan: Plan, policy: KmsPolicy, unknown_as: CmidPolicy
) -> list[_Request]:
    """Every request until `horizon`, in order of time; at the same moment in the order the clients were last seen in."""
    moves = {move.cmid: move for move in plan.moves}
    leaves_at = {departure.cmid: departure.at for departure in plan.departures}
    requests: list[_Request] = []
    for client in model.clients(now):
        if now - client.last_seen > policy.silent_after:
            continue
        ends_at = min(horizon, leaves_at.get(client.cmid, horizon))
        for track in _tracks(client, moves.get(client.cmid), now, ends_at, policy, unknown_as):
            requests.extend(track.requests(policy.renewal))
    return sorted(requests, key=lambda request: request.at)


def _tracks(
    client: CachedClient,
    move: PlannedMove | None,
    now: datetime,
    ends_at: datetime,
    policy: KmsPolicy,
    unknown_as: CmidPolicy,
) -> tuple[_Track, ...]:
    """A client's own requests and, if it moves, those from the moment it comes up on the new pool."""
    due_at = max(now, client.last_seen + policy.renewal)
    if move is None:
        return (_Track(client, client.cmid, due_at, ends_at),)
    moves_at = max(now, move.at)
    cmid_policy = unknown_as if move.cmid_policy is CmidPolicy.UNKNOWN else move.cmid_policy
    after = client.cmid if cmid_policy is CmidPolicy.PRESERVED else f"after-move:{client.cmid}"
    return (_Track(client, client.cmid, due_at, min(moves_at, ends_at)), _Track(client, after, moves_at, ends_at))
