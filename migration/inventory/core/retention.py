"""Which inventories of one source may go: those that are old, not among the newest, and that nobody decided on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from migration.inventory.core.states import InventoryState


@dataclass(frozen=True, slots=True)
class Policy:
    """An inventory stays while it is younger than `keep_days` or among the newest `keep_newest` (at least one) of its source."""

    keep_days: int = 90
    keep_newest: int = 10


@dataclass(frozen=True, slots=True)
class Held:
    """One inventory as the policy looks at it; `at` is when it was complete, or begun where it never was."""

    id: UUID
    state: InventoryState
    at: datetime


def droppable(held: Sequence[Held], policy: Policy, *, asked_at: datetime, cited_at: Collection[datetime]) -> list[Held]:
    """The inventories of one source that may go, oldest first.

    `cited_at` are moments at which people signed, approved or were handed something: what was the newest then is its evidence.
    One that is being collected stays, whatever its age.
    """
    oldest_kept = asked_at - timedelta(days=policy.keep_days)
    complete = sorted((each for each in held if each.state is InventoryState.COMPLETE), key=lambda each: each.at)
    kept = {each.id for each in complete[-max(1, policy.keep_newest) :]} | set(_evidence(complete, cited_at))
    finished = (each for each in held if each.state is not InventoryState.COLLECTING)
    return sorted((each for each in finished if each.at < oldest_kept and each.id not in kept), key=lambda each: each.at)


def _evidence(complete: Sequence[Held], cited_at: Collection[datetime]) -> Iterator[UUID]:
    for moment in cited_at:
        newest = next((each for each in reversed(complete) if each.at <= moment), None)
        if newest is not None:
            yield newest.id
