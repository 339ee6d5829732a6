"""Patterns match as people expect, refuse what cannot be bounded, and never take long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.assessment.core.patterns import Pattern, PatternRefused

ATOMS = ["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\D", "(a|b)", "(ab)", "(a|)", "^", "$", r"\.", "[a-c]", "(?:b|cc)"]
REPEATS = ["", "", "*", "+", "?", "{2}", "{1,}", "{0,2}"]
PARTS = st.lists(st.tuples(st.sampled_from(ATOMS), st.sampled_from(REPEATS)), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("sql", "PROD-SQL-01", True),
        ("^sql", "PROD-SQL-01", False),
        ("^prod", "PROD-SQL-01", True),
        ("01$", "PROD-SQL-01", True),
        ("SQL$", "PROD-SQL-01", False),
        ("^$", "", True),
        ("^$", "x", False),
        ("", "x", True),
        ("^(sql|db)-\\d{2,3}$", "db-01", True),
        ("^(sql|db)-\\d{2,3}$", "db-1", False),
        ("^(sql|db)-\\d{2,3}$", "db-1234", False),
        ("a{2}$", "caa", True),
        ("^a{2}$", "aaa", False),
        ("[^a-c]", "ABC", False),
        ("[]", "]", None),
        ("[-a]", "-", True),
        ("[a-]", "-", True),
        ("[b-d]", "C", True),
        ("[b-d]", "e", False),
        ("\\.", "x", False),
        ("\\s", "a b", True),
        ("\\W", "ab_1", False),
        ("(?:a|b)c", "bc", True),
    ],
)
def test_patterns_are_looked_for_without_regard_to_case(pattern: str, text: str, expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(PatternRefused):
            Pattern(pattern)
    else:
        assert Pattern(pattern).found_in(text) is expected


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("a" * 201, "longer than 200"),
        ("(a", "not closed at position 3"),
        ("a)", "closing bracket"),
        ("*a", "nothing to repeat before '\\*'"),
        ("a**", "repeat of a repeat"),
        ("a+?", "repeat of a repeat"),
        ("(?=a)", "look-around"),
        ("(?P<x>a)", "look-around or named"),
        ("\\1", "unknown escape"),
        ("\\b", "unknown escape"),
        ("a\\", "ends too early"),
        ("[a", "ends too early"),
        ("[z-a]", "range z-a"),
        ("[a-\\d]", "range"),
        ("a{", "count that is not"),
        ("a{,2}", "count that is not"),
        ("a{x}", "count that is not"),
        ("a{101}", "outside 0 to 100"),
        ("a{3,2}", "outside 0 to 100"),
        ("(a{100}){100}", "repeats too much"),
    ],
)
def test_what_cannot_be_matched_is_refused_with_its_reason(pattern: str, why: str) -> None:
    with pytest.raises(PatternRefused, match=why):
        Pattern(pattern)


def test_limits_themselves_are_allowed() -> None:
    assert Pattern("a" * 200).found_in("a" * 200)
    assert Pattern("^a{100}$").found_in("a" * 100)
    assert not Pattern("^a{2,3}$").found_in("aaaa")


@given(parts=PARTS, text=st.text(alphabet="abcAB1._", max_size=6))
def test_patterns_agree_with_regular_expressions(parts: list[tuple[str, str]], text: str) -> None:
    pattern = "".join(atom + repeat for atom, repeat in parts)
    try:
        expected = re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None
        ours = Pattern(pattern)
    except (re.error, PatternRefused):
        return
    assert ours.found_in(text) is expected


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*x", "(a|aa)+x", "a*a*a*a*a*x", "(.*){1,50}x"])
def test_no_pattern_takes_long_on_any_text(pattern: str) -> None:
    started = time.perf_counter()
    assert not Pattern(pattern).found_in("a" * 20_000)
    assert time.perf_counter() - started < 2


def test_what_was_learned_of_many_texts_stays_bounded() -> None:
    pattern = Pattern(".{3}x")
    assert not any(pattern.found_in(chr(number) * 3) for number in range(256, 256 + 3000))
    assert len(pattern._known) <= 2000
