"""What happens on the way of a forecast, in words: when the count falls, whose renewals then fail, who is unlicensed first.

Pure. Alarms in here have the hysteresis of alarm.py; the verdict of a gate has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from estate.facts.kms import KmsContact
from kms.core.alarm import Level, level_of, next_alarm
from kms.core.forecast import Forecast, ForecastDay
from kms.core.policy import DEFAULT_POLICY, KmsPolicy, Threshold, margin

_KINDS = {Threshold.SERVER: "servers", Threshold.CLIENT: "workstations"}


@dataclass(frozen=True, slots=True)
class Milestone:
    """One thing to know about `day` (0 is today). `kind`: falls, rises, low, tight or ok; the last three say for which N."""

    at: datetime
    day: int
    kind: str
    detail: str
    required_count: int | None = None


def alarms(days: Sequence[ForecastDay], required_count: int) -> tuple[Level, ...]:
    """The alarm of each day for an N, on the lower bound; it does not flap around the threshold."""
    levels: list[Level] = []
    for day in days:
        levels.append(next_alarm(levels[-1], day.lower, required_count) if levels else level_of(day.lower, required_count))
    return tuple(levels)


def milestones(projected: Forecast, known: Sequence[KmsContact], *, policy: KmsPolicy = DEFAULT_POLICY) -> tuple[Milestone, ...]:
    """Everything that changes on the days of a forecast, in order of time. `known`: each client's last request so far."""
    needs = {Threshold.CLIENT if contact.required_count > Threshold.SERVER else Threshold.SERVER for contact in known}
    found = [*_changes(projected.days)]
    for threshold in sorted(needs):
        found.extend(_alarm_changes(projected.days, threshold, known, policy))
    return tuple(sorted(found, key=lambda milestone: milestone.day))


def _changes(days: Sequence[ForecastDay]) -> Iterator[Milestone]:
    for number, (before, after) in enumerate(pairwise(days), start=1):
        if (before.lower, before.upper) == (after.lower, after.upper):
            continue
        kind = "falls" if (after.lower, after.upper) < (before.lower, before.upper) else "rises"
        detail = f"day {number} ({after.at:%Y-%m-%d}): the count {kind} from {_range(before)} to {_range(after)}"
        yield Milestone(after.at, number, kind, detail)


def _range(day: ForecastDay) -> str:
    return str(day.lower) if day.lower == day.upper else f"{day.lower} to {day.upper}"


def _alarm_changes(
    days: Sequence[ForecastDay], threshold: Threshold, known: Sequence[KmsContact], policy: KmsPolicy
) -> Iterator[Milestone]:
    previous = Level.OK
    for number, level in enumerate(alarms(days, threshold)):
        if level is not previous:
            detail = f"day {number} ({days[number].at:%Y-%m-%d}): {_said(level, days[number], threshold, known, policy)}"
            yield Milestone(days[number].at, number, level.value, detail, threshold.value)
        previous = level


def _said(level: Level, day: ForecastDay, threshold: Threshold, known: Sequence[KmsContact], policy: KmsPolicy) -> str:
    kinds = _KINDS[threshold]
    if level is not Level.LOW:
        spare = day.lower - threshold
        more = "" if level is Level.OK else f", fewer than {margin(threshold)} to spare or regained just now"
        return f"{kinds} renew with {spare} above {threshold.value}{more}"
    unlicensed_at = _first_unlicensed(day.at, threshold, known, policy)
    end = "" if unlicensed_at is None else f"; the first of them is unlicensed on {unlicensed_at:%Y-%m-%d}"
    return f"the count may be {day.lower}, below {threshold.value}: {kinds} stop activating and renewing{end}"


def _first_unlicensed(low_at: datetime, threshold: Threshold, known: Sequence[KmsContact], policy: KmsPolicy) -> datetime | None:
    """When the first of the clients still renewing runs out: 180 days after its last renewal before `low_at`."""
    renewing = _renewing(known, threshold, policy)
    ends = [_last_renewal(contact.seen_at, low_at, policy.renewal) + policy.validity for contact in renewing]
    return min(ends, default=None)


def _renewing(known: Sequence[KmsContact], threshold: Threshold, policy: KmsPolicy) -> Iterator[KmsContact]:
    newest = max((contact.seen_at for contact in known), default=None)
    for contact in known:
        is_of_kind = (contact.required_count > Threshold.SERVER) is (threshold is Threshold.CLIENT)
        if is_of_kind and newest is not None and newest - contact.seen_at <= policy.silent_after:
            yield contact


def _last_renewal(seen_at: datetime, before: datetime, renewal: timedelta) -> datetime:
    """The last of the weekly renewals strictly before a moment; a client seen later than that was seen then."""
    weeks = max(0, -((seen_at - before) // renewal) - 1)
    return seen_at + weeks * renewal
