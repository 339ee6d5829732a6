"""What needs what: cycles and layers of any graph."""

from __future__ import annotations

import pytest

from migration.inventory.core.dependencies import components, cycles, layers

CASES = [
    pytest.param({}, [], {}, id="nothing"),
    pytest.param({"a": ["b"], "b": ["c"], "c": []}, [], {"c": 0, "b": 1, "a": 2}, id="a chain"),
    pytest.param({"a": ["b"], "b": ["a"]}, [{"a", "b"}], {"a": 0, "b": 0}, id="two that need each other"),
    pytest.param(
        {"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": []},
        [{"b", "c"}],
        {"d": 0, "b": 1, "c": 1, "a": 2},
        id="a cycle in a chain",
    ),
    pytest.param({"a": ["x"], "b": []}, [], {"a": 0, "b": 0}, id="a need that nobody listed"),
    pytest.param(
        {"a": ["b", "c"], "b": ["d"], "c": [], "d": []}, [], {"d": 0, "c": 0, "b": 1, "a": 2}, id="the longer way counts"
    ),
]


@pytest.mark.parametrize(("needs", "expected", "at"), CASES)
def test_cycles_and_layers(needs: dict[str, list[str]], expected: list[set[str]], at: dict[str, int]) -> None:
    assert [set(cycle) for cycle in cycles(needs)] == expected
    assert layers(needs) == at
    assert sorted(node for group in components(needs) for node in group) == sorted(needs)


def test_a_chain_of_ten_thousand_does_not_exhaust_the_stack() -> None:
    needs = {number: [number + 1] for number in range(10_000)} | {10_000: [0]}
    assert [len(cycle) for cycle in cycles(needs)] == [10_001]
