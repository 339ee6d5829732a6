"""Who may copy next: budgets hold, fair between projects, priorities first, and nobody waits for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.conversion.core.budget import STARVED_AFTER, Answer, Budget, Kind, Share, StreamView, decide

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
ESX, OTHER_ESX = Share(Kind.SOURCE_HOST, "esx1"), Share(Kind.SOURCE_HOST, "esx2")
SR = Share(Kind.SR, "san")


def a_stream(name: str, *shares: Share, runs: bool = False, waited_s: float = 0, **changes: Any) -> StreamView:
    given = {"project": "blue", "priority": 0, "budget": Budget(), "shares": frozenset(shares or {ESX})}
    return StreamView(id=name, asked_at=NOW - timedelta(seconds=waited_s), runs=runs, **{**given, **changes})


def starting(*streams: StreamView) -> list[str]:
    return [name for name, answer in decide(streams, NOW).items() if answer.may_start]


@pytest.mark.parametrize("kind", list(Kind))
def test_each_budget_holds_by_itself_and_says_what_is_full(kind: Kind) -> None:
    share = Share(kind, "x")
    budget = Budget(**{f"per_{kind.value}": 2})
    streams = [a_stream(f"{number}", share, runs=number < 2, budget=budget) for number in range(3)]
    assert decide(streams, NOW)["2"] == Answer(False, share)
    assert starting(*streams[1:]) == ["2"]


def test_a_full_host_holds_nobody_else_up() -> None:
    busy = [a_stream(f"b{number}", runs=True) for number in range(4)]
    assert starting(*busy, a_stream("held", waited_s=60), a_stream("free", OTHER_ESX)) == ["free"]


def test_a_slow_disk_keeps_its_one_stream_and_the_others_go_past_it() -> None:
    slow = a_stream("slow", ESX, SR, runs=True, waited_s=10_000)
    assert starting(slow, *(a_stream(f"{number}", ESX, SR) for number in range(5))) == ["0", "1", "2"]


def test_the_higher_priority_goes_first_then_who_asked_first() -> None:
    one = Budget(per_source_host=1)
    late, early = a_stream("late", waited_s=1, budget=one), a_stream("early", waited_s=9, budget=one)
    assert starting(late, early) == ["early"]
    assert starting(late, early, a_stream("urgent", priority=5, budget=one)) == ["urgent"]


def test_projects_take_turns_however_many_one_of_them_asks_for() -> None:
    blue = [a_stream(f"blue{number}", waited_s=100) for number in range(50)]
    red = [a_stream(f"red{number}", project="red") for number in range(2)]
    assert sorted(starting(*blue, *red)) == ["blue0", "blue1", "red0", "red1"]


def test_one_that_needs_two_scarce_things_gets_them_in_the_end() -> None:
    budget = Budget(per_source_host=1, per_sr=1)
    runs = a_stream("runs", SR, runs=True, budget=budget)
    both = a_stream("both", ESX, SR, waited_s=STARVED_AFTER.total_seconds(), budget=budget)
    young = a_stream("young", ESX, budget=budget)
    assert starting(runs, both, young) == [], "the host is kept for the one that waited too long"
    assert starting(both, young) == ["both"]


def test_a_machine_gets_the_lanes_it_could_use_as_far_as_every_budget_has_room() -> None:
    tight = Budget(per_source_host=4, per_sr=3)
    busy = a_stream("busy", SR, runs=True, lanes=1, budget=tight)
    assert decide([busy, a_stream("new", ESX, SR, lanes=8, budget=tight)], NOW)["new"] == Answer(True, None, 0, 2)
    assert decide([busy, a_stream("new", ESX, SR, lanes=1, budget=tight)], NOW)["new"] == Answer(True, None, 0, 1)


def test_lanes_count_against_a_budget_not_machines() -> None:
    two_lanes = [a_stream(f"{number}", runs=True, lanes=2) for number in range(2)]
    assert decide([*two_lanes, a_stream("late")], NOW)["late"] == Answer(False, ESX, 0)


def test_a_project_with_fewer_lanes_at_work_goes_first() -> None:
    wide = a_stream("wide", OTHER_ESX, runs=True, lanes=3)
    narrow = a_stream("narrow", OTHER_ESX, runs=True, project="red")
    one = Budget(per_source_host=1)
    blue, red = a_stream("blue1", waited_s=9, budget=one), a_stream("red1", project="red", budget=one)
    assert starting(wide, narrow, blue, red) == ["red1"]


shares = st.frozensets(st.builds(Share, st.sampled_from(Kind), st.sampled_from("ab")), min_size=1)
streams_of_any_kind = st.lists(
    st.builds(
        StreamView,
        id=st.uuids().map(str),
        project=st.sampled_from(["blue", "red"]),
        shares=shares,
        priority=st.integers(-2, 2),
        asked_at=st.integers(0, 5000).map(lambda s: NOW - timedelta(seconds=s)),
        runs=st.just(False),
        budget=st.just(Budget(3, 3, 3, 3)),
        lanes=st.integers(1, 5),
    ),
    max_size=12,
    unique_by=lambda each: each.id,
)


@given(streams_of_any_kind)
def test_no_budget_is_ever_overdrawn_and_somebody_always_starts(streams: list[StreamView]) -> None:
    answers = decide(streams, NOW)
    started = [each for each in streams if answers[each.id].may_start]
    for share in {share for each in streams for share in each.shares}:
        assert sum(answers[each.id].lanes for each in started if share in each.shares) <= 3
    assert all(1 <= answers[each.id].lanes <= each.lanes for each in started)
    assert bool(started) == bool(streams), "with nothing at work, the first of the queue always goes"
