"""The count on the days to come, under moves, departures and what nobody can know."""

from __future__ import annotations

import pytest

from kms.core.forecast import ForecastDay, forecast
from kms.core.observed import HostHistory
from kms.core.plan import CmidPolicy, Departure, Plan, PlannedMove, Rebuild
from tests.builders.kms import a_contact, a_history, a_reading, cmid, day, named, weekly


def eight_servers(cap_client: bool = True) -> HostHistory:
    """Eight servers seen on days 0 and 7, read on day 10; a client long ago may have raised the cap to 50."""
    earlier = [a_contact("c1", -29, 25)] if cap_client else []
    return a_history(a_reading(10, [*earlier, *weekly(named("s", 8), until=7)], current_count=8))


def moves(cmid_policy: CmidPolicy) -> Plan:
    return Plan(moves=tuple(PlannedMove(cmid(name), day(10), cmid_policy) for name in named("s", 4)))


def bounds(history: HostHistory, plan: Plan | None = None, days: int = 45) -> list[tuple[int, int]]:
    return [(each.lower, each.upper) for each in forecast(history, now=day(10), days=days, plan=plan).days]


def test_without_a_plan_the_weekly_renewals_keep_the_count() -> None:
    assert bounds(eight_servers()) == [(8, 8)] * 46


def test_v10_preserved_cmids_leave_the_count_alone() -> None:
    assert bounds(eight_servers(), moves(CmidPolicy.PRESERVED)) == [(8, 8)] * 46


def test_v11_regenerated_cmids_rise_to_twelve_and_fall_when_the_ghosts_expire() -> None:
    days = bounds(eight_servers(), moves(CmidPolicy.REGENERATED))
    assert days[:27] == [(12, 12)] * 27  # day 10 to day 36.99
    assert days[27:] == [(8, 8)] * 19  # from day 37 on


def test_v12_server_only_host_stays_at_its_cap_of_ten() -> None:
    days = bounds(eight_servers(cap_client=False), moves(CmidPolicy.REGENERATED))
    assert days[0] == (10, 10)
    assert days[-1] == (8, 8)


def test_unknown_cmid_policy_gives_both_bounds() -> None:
    days = bounds(eight_servers(), moves(CmidPolicy.UNKNOWN))
    assert days[0] == (8, 12)
    assert days[-1] == (8, 8)


def test_v18_retired_machines_pull_the_count_down_thirty_days_after_their_last_contact() -> None:
    servers = named("s", 20)
    history = a_history(a_reading(10, [a_contact("c1", -29, 25), *weekly(servers, until=7)], current_count=20))
    plan = Plan(departures=tuple(Departure(cmid(name), day(10)) for name in servers[6:]))
    days = bounds(history, plan)
    assert days[:27] == [(20, 20)] * 27
    assert days[27:] == [(6, 6)] * 19


def test_silent_clients_are_not_expected_back() -> None:
    contacts = [*weekly(named("s", 5), until=7), a_contact("ghost", 1)]
    assert bounds(a_history(a_reading(10, contacts, current_count=6)))[20:22] == [(6, 6), (5, 5)]


def test_v20_clients_no_event_shows_are_in_the_upper_bound_until_they_must_expire() -> None:
    history = a_history(a_reading(40, weekly(named("s", 9), since=28, until=40), current_count=14))
    days = forecast(history, now=day(40), days=45).days
    assert (days[0].lower, days[0].upper) == (9, 14)
    assert (days[17].upper, days[18].upper) == (14, 9)


def test_surplus_of_the_log_is_in_the_upper_bound_only() -> None:
    history = a_history(a_reading(10, weekly(named("s", 8), until=7), current_count=5))
    assert bounds(history, days=1) == [(5, 8)] * 2


def test_unknown_start_has_no_forecast() -> None:
    assert forecast(a_history(), now=day(10), days=45).days == ()


def test_lowest_looks_only_at_the_days_that_overlap_the_span() -> None:
    projected = forecast(eight_servers(), now=day(10), days=45, plan=moves(CmidPolicy.REGENERATED))
    assert projected.lowest(day(10), day(36.5)) == ForecastDay(day(10), 12, 12)
    assert projected.lowest(day(10), day(55)) == ForecastDay(day(37), 8, 8)
    assert projected.lowest(day(200), day(245)) is None


@pytest.mark.parametrize("cmid_policy", list(CmidPolicy))
def test_lower_bound_never_exceeds_the_upper(cmid_policy: CmidPolicy) -> None:
    assert all(lower <= upper for lower, upper in bounds(eight_servers(), moves(cmid_policy)))


def test_clients_pushed_out_of_a_full_cache_go_on_asking() -> None:
    clients = named("c", 80)
    history = a_history(a_reading(10, weekly(clients, until=7, required=25), current_count=50))
    plan = Plan(departures=tuple(Departure(cmid(name), day(10)) for name in clients[40:]))
    days = bounds(history, plan)
    assert days[0] == (50, 50)
    assert days[-1] == (40, 40)


@pytest.mark.parametrize(("generalised", "ends_with"), [(True, (8, 8)), (False, (5, 5)), (None, (5, 8))])
def test_machines_rebuilt_from_one_image_count_once_unless_it_was_generalised(
    generalised: bool | None, ends_with: tuple[int, int]
) -> None:
    rebuilds = tuple(Rebuild(cmid(name), day(10), "gold", generalised) for name in named("s", 4))
    assert bounds(eight_servers(), Plan(rebuilds=rebuilds))[-1] == ends_with


def test_host_that_moves_may_count_from_zero_again_until_everybody_has_renewed() -> None:
    days = bounds(eight_servers(), Plan(host_moves_at=day(12)))
    assert days[1] == (8, 8)
    assert days[2] == (0, 8)
    assert days[3] == (0, 8)
    assert days[-1] == (8, 8)


def test_legacy_host_does_not_store_virtual_machines_in_days_to_come() -> None:
    physical = [a_contact(name, 7, is_vm=False) for name in named("p", 6)]
    virtual = [a_contact(name, 7) for name in named("v", 9)]
    history = a_history(a_reading(10, [*physical, *virtual], current_count=6, is_kms_host=True), legacy=True)
    assert bounds(history)[-1] == (6, 6)
