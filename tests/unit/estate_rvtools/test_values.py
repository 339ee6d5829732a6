"""Cells of any locale as values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from estate.facts.unknown import is_known
from estate.rvtools import values
from estate.rvtools.values import BadCell


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (5, 5),
        (5.0, 5),
        ("1,234", 1234),
        ("1.234", 1234),
        ("1 234 567", 1234567),
        ("1\u202f234", 1234),
        ("1'234", 1234),
        ("1.234,50", 1234),
        ("1,234.50", 1234),
        ("1234,5", 1234),
        ("-1", -1),
        (" 7 ", 7),
    ],
)
def test_numbers_of_any_locale_are_read(cell: Any, number: int) -> None:
    assert values.integer(cell) == number


@pytest.mark.parametrize(
    "cell", ["1,2,3", "12,34.567", "1e9", "", "-", "1.234.56", "٣", float("nan"), float("inf"), 1e300, True, "9" * 40]
)
def test_what_is_no_number_is_refused(cell: Any) -> None:
    with pytest.raises(BadCell):
        values.integer(cell)


@pytest.mark.parametrize(
    ("cell", "truth"), [("True", True), ("FALSE", False), (True, True), (0, False), (" yes ", True), (1.0, True)]
)
def test_booleans_are_read_as_booleans_and_as_words(cell: Any, truth: bool) -> None:
    assert values.boolean(cell) is truth


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        (datetime(2026, 5, 13, 10, 22), datetime(2026, 5, 13, 10, 22, tzinfo=UTC)),  # noqa: DTZ001
        (date(2026, 5, 13), datetime(2026, 5, 13, tzinfo=UTC)),
        ("2026/05/13 10:22:33", datetime(2026, 5, 13, 10, 22, 33, tzinfo=UTC)),
        ("2026-05-13T10:22", datetime(2026, 5, 13, 10, 22, tzinfo=UTC)),
        ("13.05.2026 10:22", datetime(2026, 5, 13, 10, 22, tzinfo=UTC)),
        ("5/13/2026 10:22:00 PM", datetime(2026, 5, 13, 22, 22, tzinfo=UTC)),
        ("13/5/2026 12:01 am", datetime(2026, 5, 13, 0, 1, tzinfo=UTC)),
        ("5/5/2026", datetime(2026, 5, 5, tzinfo=UTC)),
    ],
)
def test_dates_of_any_locale_are_read(cell: Any, moment: datetime) -> None:
    assert values.moment(cell) == moment


def test_a_date_whose_day_and_month_nobody_can_tell_apart_is_unknown() -> None:
    assert not is_known(values.moment("5/6/2026 10:00"))


@pytest.mark.parametrize("cell", ["soon", "2026/13/45", "31.02.2026", "99:99", "0000/00/00"])
def test_what_is_no_date_is_refused(cell: str) -> None:
    with pytest.raises(BadCell):
        values.moment(cell)


def test_limits_of_minus_one_mean_none() -> None:
    assert values.limit(-1) is None
    assert values.mib_limit("2") == 2 << 20
