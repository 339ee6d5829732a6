"""Which inventories may go: never the newest, never a young one, never what people decided on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from migration.inventory.core.retention import Held, Policy, droppable
from migration.inventory.core.states import InventoryState

NOW = datetime(2026, 11, 1, tzinfo=UTC)
COMPLETE, FAILED, COLLECTING = InventoryState.COMPLETE, InventoryState.FAILED, InventoryState.COLLECTING


def held(number: int, days_ago: float, state: InventoryState = COMPLETE) -> Held:
    return Held(UUID(int=number), state, NOW - timedelta(days=days_ago))


def gone(rows: list[Held], *cited_days_ago: float, newest: int = 2, days: int = 30) -> set[int]:
    cited = [NOW - timedelta(days=each) for each in cited_days_ago]
    return {each.id.int for each in droppable(rows, Policy(days, newest), asked_at=NOW, cited_at=cited)}


def test_old_ones_go_but_for_the_newest() -> None:
    assert gone([held(1, 100), held(2, 90), held(3, 80), held(4, 70)]) == {1, 2}
    assert gone([held(1, 100), held(2, 20), held(3, 10), held(4, 5)]) == {1}
    assert gone([held(1, 400)], newest=1) == set()


def test_failed_ones_are_no_newest_and_one_being_made_stays() -> None:
    assert gone([held(1, 100), held(2, 50, FAILED), held(3, 40, FAILED), held(4, 400, COLLECTING)]) == {2, 3}


def test_what_was_the_newest_when_people_decided_stays() -> None:
    rows = [held(1, 100), held(2, 90), held(3, 80), held(4, 70), held(5, 60)]
    assert gone(rows) == {1, 2, 3}
    assert gone(rows, 85) == {1, 3}
    assert gone(rows, 90) == {1, 3}
    assert gone(rows, 99999) == {1, 2, 3}


AGES = st.lists(st.tuples(st.integers(0, 1000), st.sampled_from(InventoryState)), max_size=30, unique_by=lambda pair: pair[0])


@given(AGES, st.lists(st.integers(0, 1000), max_size=5), st.integers(0, 12), st.integers(1, 400))
def test_nothing_that_is_needed_ever_goes(
    ages: list[tuple[int, InventoryState]], cited: list[int], newest: int, days: int
) -> None:
    rows = [held(number, age, state) for number, (age, state) in enumerate(ages)]
    dropped = gone(rows, *cited, newest=newest, days=days)
    complete = sorted((row for row in rows if row.state is COMPLETE), key=lambda row: row.at)
    needed = {row.id.int for row in complete[-max(1, newest) :]}
    needed |= {row.id.int for row in rows if row.state is COLLECTING or row.at >= NOW - timedelta(days=days)}
    for moment in (NOW - timedelta(days=each) for each in cited):
        needed |= {row.id.int for row in [row for row in complete if row.at <= moment][-1:]}
    assert not dropped & needed
