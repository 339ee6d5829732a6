"""Events on the way of a forecast, in words that name the day, the count and who is hit."""

from __future__ import annotations

from kms.core.alarm import Level
from kms.core.expected import last_contacts
from kms.core.forecast import ForecastDay, forecast
from kms.core.milestones import Milestone, alarms, milestones
from kms.core.observed import HostHistory
from kms.core.plan import CmidPolicy, Departure, Plan, PlannedMove
from tests.builders.kms import a_contact, a_history, a_reading, cmid, day, named, weekly


def on_the_way(history: HostHistory, plan: Plan, now: float = 10) -> tuple[Milestone, ...]:
    projected = forecast(history, now=day(now), days=45, plan=plan)
    return milestones(projected, last_contacts(history, day(now)))


def test_alarm_vector_of_the_model_is_followed_day_by_day() -> None:
    counts = (8, 7, 6, 7, 8, 5, 4, 5, 6, 8)
    days = [ForecastDay(day(number), count, count) for number, count in enumerate(counts)]
    told = ["ok", "ok", "tight", "tight", "ok", "tight", "low", "low", "tight", "ok"]
    assert [level.value for level in alarms(days, 5)] == told
    assert alarms([], 5) == ()


def test_ghosts_of_regenerated_cmids_are_announced_with_the_day_they_expire() -> None:
    history = a_history(a_reading(10, [a_contact("c1", -29, 25), *weekly(named("s", 8), until=7)], current_count=8))
    plan = Plan(moves=tuple(PlannedMove(cmid(name), day(10), CmidPolicy.REGENERATED) for name in named("s", 4)))
    falls = [milestone for milestone in on_the_way(history, plan) if milestone.kind == "falls"]
    assert [milestone.detail for milestone in falls] == ["day 27 (2026-04-07): the count falls from 12 to 8"]


def test_first_unlicensed_guest_is_half_a_year_after_the_last_renewal_before_the_count_is_low() -> None:
    history = a_history(a_reading(10, weekly(named("s", 6), until=7), current_count=6))
    plan = Plan(departures=tuple(Departure(cmid(name), day(10)) for name in named("s", 4)))
    (low,) = [milestone for milestone in on_the_way(history, plan) if milestone.kind == "low"]
    # The four were last seen on day 7 and are forgotten on day 37; the others renewed last on day 35, so until day 215.
    assert (low.day, low.required_count) == (27, 5)
    assert low.detail.endswith(f"unlicensed on {day(215):%Y-%m-%d}")
    assert "the count may be 2, below 5: servers stop activating and renewing" in low.detail


def test_only_kinds_of_clients_that_ask_are_spoken_of() -> None:
    history = a_history(a_reading(10, weekly(named("s", 8), until=7), current_count=8))
    assert on_the_way(history, Plan()) == ()
    desktops = a_history(a_reading(10, weekly(named("c", 8), until=7, required=25), current_count=8))
    assert [(each.kind, each.required_count) for each in on_the_way(desktops, Plan())] == [(Level.LOW.value, 25)]
