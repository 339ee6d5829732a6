"""The chart of a host's count: everything is drawn and said in words, the table says the same, hostile names stay text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from kms.core.chart import Chart, WaveMark, draw, rows
from kms.core.forecast import ForecastDay
from kms.core.observed import count_at
from kms.core.past import CountPoint, modelled_past
from tests.builders.kms import a_history, a_reading, day, named, weekly

SVG = "{http://www.w3.org/2000/svg}"


def a_chart(**changes: Any) -> Chart:
    fields: dict[str, Any] = {
        "host_name": "KMS01",
        "at": day(45),
        "begin": day(0),
        "observed": (CountPoint(day(40), 9),),
        "modelled": tuple(CountPoint(day(n), 9, at_least=n < 30) for n in range(10, 46)),
        "days": tuple(ForecastDay(day(45 + n), 9 if n < 10 else 4, 9) for n in range(46)),
        "cap": 10,
        "waves": (WaveMark(day(50), "wave 1"),),
    }
    return Chart(**(fields | changes))


def drawn(chart: Chart) -> Any:
    return etree.fromstring(draw(chart).encode())


def words(chart: Chart) -> str:
    return " | ".join(element.text for element in drawn(chart).iter(f"{SVG}text"))


def test_everything_is_drawn_and_named_in_words() -> None:
    told = words(a_chart())
    for part in (
        "KMS count of KMS01",
        "5: servers",
        "25: workstations",
        "cap 10: at least",
        "\u25bc wave 1",
        "now",
        "observed on the host",
    ):
        assert part in told
    picture = drawn(a_chart())
    assert len(picture.findall(f"{SVG}circle")) == 2, "one reading and the legend's"
    assert len(picture.findall(f"{SVG}polygon")) == 1


def test_the_summary_tells_the_worst_day_and_the_waves_to_who_cannot_see_it() -> None:
    described = drawn(a_chart()).find(f"{SVG}desc").text
    assert (
        described == "last observed 9, modelled now 9; in the next 45 days at worst 4 on 2026-04-25; waves: wave 1 on 2026-04-20"
    )


def test_a_host_of_which_nothing_is_known_is_drawn_without_figures_and_says_so() -> None:
    chart = a_chart(observed=(), modelled=(), days=(), cap=0, waves=())
    assert drawn(chart).find(f"{SVG}desc").text == "never observed, no log to model it from; nothing can be projected"
    assert "cap" not in words(chart)
    assert rows(chart) == ()


def test_the_table_holds_every_change_and_nothing_in_between() -> None:
    told = [(row.at, row.observed, row.modelled, row.at_least, row.lower, row.upper, row.waves) for row in rows(a_chart())]
    assert told == [
        (day(10), None, 9, True, None, None, ()),
        (day(30), None, 9, False, None, None, ()),
        (day(40), 9, None, False, None, None, ()),
        (day(45), None, 9, False, 9, 9, ()),
        (day(50), None, None, False, None, None, ("wave 1",)),
        (day(55), None, None, False, 4, 9, ()),
        (day(90), None, None, False, 4, 9, ()),
    ]


@pytest.mark.parametrize("name", ["<script>alert('x')</script>", 'a"b&c', "tab\tnul\x00", "\ud7ff\u202e", "x" * 5000])
def test_hostile_names_stay_text(name: str) -> None:
    svg = draw(a_chart(host_name=name, waves=(WaveMark(day(1), name),)))
    assert "<script" not in svg
    assert etree.fromstring(svg.encode()).tag == f"{SVG}svg"


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(0, 2**32), max_size=12),
    bounds=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 100_000)), max_size=12),
    cap=st.integers(0, 100_000),
    at=st.integers(-400, 400),
)
def test_no_figure_is_drawn_outside_the_paper(counts: list[int], bounds: list[tuple[int, int]], cap: int, at: int) -> None:
    points = tuple(CountPoint(day(at + n), count) for n, count in enumerate(counts))
    days = tuple(ForecastDay(day(45 + n), min(pair), max(pair)) for n, pair in enumerate(bounds))
    picture = drawn(a_chart(observed=points, modelled=points, days=days, cap=cap, waves=(WaveMark(day(at), "w"),)))
    for element in picture.iter(f"{SVG}circle", f"{SVG}line"):
        for name in ("cx", "x1", "x2"):
            assert 0 <= float(element.get(name, "0")) <= 960
        for name in ("cy", "y1", "y2"):
            assert 0 <= float(element.get(name, "0")) <= 420


def test_the_past_is_replayed_once_a_day_and_is_at_least_until_the_log_covers_the_window() -> None:
    history = a_history(a_reading(45, weekly(named("s", 9), since=3, until=45), 9))
    points = modelled_past(history, begin=day(0), at=day(45))
    assert (points[0].at, points[-1].at, len(points)) == (day(3), day(45), 43)
    assert {point.count for point in points} == {9}
    assert next(point.at for point in points if not point.at_least) == day(33)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60), st.sampled_from([5, 25])), min_size=1, max_size=60))
def test_each_day_of_the_past_is_what_a_replay_up_to_that_day_says(asked: list[tuple[int, int, int]]) -> None:
    contacts = [contact for client, at, n in asked for contact in weekly([f"c{client}"], since=at, until=at, required=n)]
    history = a_history(a_reading(60, contacts))
    for point in modelled_past(history, begin=day(0), at=day(60)):
        assert point.count == count_at(history, point.at).modelled


def test_a_host_without_events_has_no_modelled_past() -> None:
    assert modelled_past(a_history(a_reading(5, (), 9)), begin=day(0), at=day(5)) == ()
    assert a_chart(days=()).end == day(45) + timedelta(days=1)
