"""Who may copy next: budgets per source host, datastore, pool host and SR, priorities, and fairness between projects.

Pure: all streams that copy or want to come in as values with the time; the answer says for each waiting one whether it may
start, or what it waits for. A stream is one machine's disks on their way, one disk after the other.
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
    """How many streams may share each at a time."""

    per_source_host: int = 4
    per_datastore: int = 4
    per_pool_host: int = 8
    per_sr: int = 4

    def of(self, kind: Kind) -> int:
        return int(getattr(self, f"per_{kind.value}"))


@dataclass(frozen=True, slots=True)
class StreamView:
    """One machine that copies (`runs`) or waits to. A higher `priority` goes first."""

    id: str
    project: str
    shares: frozenset[Share]
    priority: int
    asked_at: datetime
    runs: bool
    budget: Budget


@dataclass(frozen=True, slots=True)
class Answer:
    """`held_by`: what is full, or None when others only go first. `ahead`: waiting streams that go before this one."""

    may_start: bool
    held_by: Share | None = None
    ahead: int = 0


def decide(streams: Iterable[StreamView], now: datetime) -> Mapping[str, Answer]:
    """An answer for every waiting stream, by its id.

    The next one is always of the highest priority, then of the project with fewest streams at work, then the one that asked
    first. One that does not fit holds nobody else up, unless it has waited too long.
    """
    everyone = list(streams)
    used: Counter[Share] = Counter(share for each in everyone if each.runs for share in each.shares)
    at_work: Counter[str] = Counter(each.project for each in everyone if each.runs)
    waiting = [each for each in everyone if not each.runs]
    answers: dict[str, Answer] = {}
    while waiting:
        chosen = min(waiting, key=lambda each: (-each.priority, at_work[each.project], each.asked_at, each.id))
        waiting.remove(chosen)
        full = _full(chosen, used)
        answers[chosen.id] = Answer(full is None, full, len(answers))
        if full is None:
            at_work[chosen.project] += 1
        if full is None or now - chosen.asked_at >= STARVED_AFTER:
            used.update(chosen.shares)
    return answers


def _full(stream: StreamView, used: Mapping[Share, int]) -> Share | None:
    """The first share with no room for one more."""
    return next((share for share in sorted(stream.shares) if used[share] >= stream.budget.of(share.kind)), None)
