"""Properties of the count model against any order of requests, and against a second, naive reference."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from kms.core.count import CountModel
from kms.core.forecast import forecast
from kms.core.policy import KmsPolicy, MaxNRule
from tests.builders.kms import a_contact, a_history, a_reading, day, named

Asked = tuple[float, str, int]
rules = st.sampled_from(MaxNRule)
requests = st.lists(st.tuples(st.floats(0, 90), st.sampled_from(named("m", 60)), st.sampled_from([5, 25])), max_size=150).map(
    lambda asked: sorted(asked, key=lambda one: one[0])
)


def naive_count(asked: list[Asked], at: datetime, *, live: bool = False, legacy: bool = False) -> int:
    """The model written a second time: whole lists copied and sorted at every step, nothing kept in order.

    On a `legacy` host machines with an even number are virtual and not stored.
    """
    entries: dict[str, tuple[datetime, int, int]] = {}
    largest = 0
    for order, (number, name, required) in enumerate(asked):
        time = day(number)
        entries = {key: entry for key, entry in entries.items() if time - entry[0] < timedelta(days=30)}
        if legacy and is_virtual(name):
            continue
        entries[name] = (time, order, required)
        largest = max((entry[2] for entry in entries.values()), default=0) if live else max(largest, required)
        while len(entries) > 2 * (max(entry[2] for entry in entries.values()) if live else largest):
            del entries[min(entries, key=lambda key: entries[key])]
    return sum(at - time < timedelta(days=30) for time, _, _ in entries.values())


def is_virtual(name: str) -> bool:
    return int(name[1:]) % 2 == 0


def replayed(asked: list[Asked], *, rule: MaxNRule = MaxNRule.STICKY, legacy: bool = False) -> CountModel:
    model = CountModel(KmsPolicy(max_n_rule=rule), legacy=legacy)
    for number, name, required in asked:
        model.request(day(number), name, required, is_vm=name.startswith("m") and is_virtual(name))
    return model


@given(asked=requests, later=st.floats(90, 130), rule=rules, legacy=st.booleans())
def test_count_agrees_with_the_naive_reference(asked: list[Asked], later: float, rule: MaxNRule, legacy: bool) -> None:
    expected = naive_count(asked, day(later), live=rule is MaxNRule.LIVE, legacy=legacy)
    assert replayed(asked, rule=rule, legacy=legacy).count(day(later)) == expected


@given(asked=requests)
def test_every_reply_tells_the_count_the_naive_reference_has_then(asked: list[Asked]) -> None:
    model = CountModel()
    for number, (at, name, required) in enumerate(asked, start=1):
        reply = model.request(day(at), name, required)
        assert reply.count == naive_count(asked[:number], day(at))
        assert reply.activated is (reply.count >= required)


@given(asked=requests)
def test_count_never_exceeds_the_distinct_cmids_nor_the_cap(asked: list[Asked]) -> None:
    model = CountModel()
    seen: set[str] = set()
    for number, name, required in asked:
        seen.add(name)
        count = model.request(day(number), name, required).count
        assert count <= min(len(seen), model.cap)


@given(asked=requests)
def test_cap_never_falls_while_the_largest_n_is_sticky(asked: list[Asked]) -> None:
    model = CountModel()
    caps = [model.request(day(number), name, required) and model.cap for number, name, required in asked]
    assert caps == sorted(caps)


@given(asked=requests)
def test_one_more_client_never_lowers_the_count(asked: list[Asked]) -> None:
    with_another = sorted([*asked, (45.0, "another", 5)], key=lambda one: one[0])
    assert replayed(with_another).count(day(90)) >= replayed(asked).count(day(90))


@settings(max_examples=25, deadline=None)
@given(last_seen=st.lists(st.floats(0, 29), min_size=1, max_size=14))
def test_forecast_without_a_plan_equals_replaying_the_renewals(last_seen: list[float]) -> None:
    contacts = [a_contact(f"m{n}", at) for n, at in enumerate(last_seen)]
    projected = forecast(a_history(a_reading(29, contacts)), now=day(29), days=10)
    asked = [(at, f"m{n}", 5) for n, at in enumerate(last_seen)]
    for n, at in enumerate(last_seen):
        if day(29) - day(at) <= timedelta(days=8):
            asked += [(max(29.0, at + 7) + 7 * week, f"m{n}", 5) for week in range(2)]
    asked.sort(key=lambda one: one[0])
    for each in projected.days:
        hours = [each.at + timedelta(hours=hour) for hour in range(24)]
        expected = min(naive_count([one for one in asked if day(one[0]) <= hour], hour) for hour in hours)
        assert (each.lower, each.upper) == (expected, expected)
