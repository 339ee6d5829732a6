"""Who may copy next: budgets per source host, datastore, pool host and SR, priorities, and fairness between projects.

Pure: all streams that copy or want to come in as values with the time; the answer says for each waiting one whether it may
start, or what it waits for. A stream is one machine's disks on their way; it has a lane for each disk that is copied at the
same time, and budgets count lanes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

STARVED_AFTER = timedelta(minutes=10)
"""A stream that waited so long keeps what it needs from being given to others: else one that needs two scarce things at once
could wait for ever.
"""


class Kind(StrEnum):
    """What streams share."""

    SOURCE_HOST = "source_host"
    DATASTORE = "datastore"
    POOL_HOST = "pool_host"
    SR = "sr"


@dataclass(frozen=True, slots=True, order=True)
class Share:
    """One thing that streams share; `key` tells it from all others of its kind, across projects."""

    kind: Kind
    key: str


@dataclass(frozen=True, slots=True)
class Budget:
    """How many lanes may share each at a time."""

    per_source_host: int = 4
    per_datastore: int = 4
    per_pool_host: int = 8
    per_sr: int = 4

    def of(self, kind: Kind) -> int:
        return int(getattr(self, f"per_{kind.value}"))


@dataclass(frozen=True, slots=True)
class StreamView:
    """One machine that copies (`runs`) or waits to. A higher `priority` goes first.

    `lanes`: disks at a time, of a running one as many as it has, of a waiting one as many as it could use.
    """

    id: str
    project: str
    shares: frozenset[Share]
    priority: int
    asked_at: datetime
    runs: bool
    budget: Budget
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """`held_by`: what is full, or None when others only go first. `ahead`: waiting streams that go before this one.

    `lanes`: so many disks at a time, when it may start.
    """

    may_start: bool
    held_by: Share | None = None
    ahead: int = 0
    lanes: int = 0


def decide(streams: Iterable[StreamView], now: datetime) -> Mapping[str, Answer]:
    """An answer for every waiting stream, by its id.

    The next one is always of the highest priority, then of the project with fewest lanes at work, then the one that asked
    first. It gets as many of the lanes it could use as there is room for. One that does not fit holds nobody else up, unless
    it has waited too long.
    """
    everyone = list(streams)
    used, at_work = Counter[Share](), Counter[str]()
    for each in everyone:
        if each.runs:
            _take(each, each.lanes, used, at_work)
    waiting = [each for each in everyone if not each.runs]
    answers: dict[str, Answer] = {}
    while waiting:
        chosen = min(waiting, key=lambda each: (-each.priority, at_work[each.project], each.asked_at, each.id))
        waiting.remove(chosen)
        full, lanes = _room(chosen, used)
        answers[chosen.id] = Answer(full is None, full, len(answers), lanes)
        if full is None:
            _take(chosen, lanes, used, at_work)
        elif now - chosen.asked_at >= STARVED_AFTER:
            used.update(chosen.shares)
    return answers


def _take(stream: StreamView, lanes: int, used: Counter[Share], at_work: Counter[str]) -> None:
    at_work[stream.project] += lanes
    used.update(dict.fromkeys(stream.shares, lanes))


def _room(stream: StreamView, used: Mapping[Share, int]) -> tuple[Share | None, int]:
    """The first share with no room for one more, or None with the lanes that all have room for."""
    left = {share: stream.budget.of(share.kind) - used[share] for share in sorted(stream.shares)}
    full = next((share for share, room in left.items() if room <= 0), None)
    return full, 0 if full else min([stream.lanes, *left.values()])
