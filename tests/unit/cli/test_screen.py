"""What a person sees: harmless texts, aligned tables, figures with units; and JSON exactly as it came."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tests.builders.cli import Desk, Server, a_list, a_problem
from xenbound_cli.screen import Column, Screen
from xenbound_cli.texts import cell, clean, count, moment, size, span, width

HOSTILE = "sql01\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\u202eevil\u2066\u200b\ud800\x7f"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HOSTILE, "sql01[2J]0;owned 31mevil"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("Größe 数 é", "Größe 数 é"),
        ("\u2028\u2029", ""),
        (17, "17"),
    ],
)
def test_what_could_act_on_a_terminal_is_taken_out(text: Any, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        ({"unknown": "never read"}, "unknown"),
        ({"done": 9, "failed": 1}, "done=9, failed=1"),
        ([{"name": "san-a"}, "x"], "(name=san-a), x"),
    ],
)
def test_a_cell_shows_every_kind_of_value(value: Any, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (size(0), "0 B"),
        (size(1023), "1023 B"),
        (size(1024), "1.0 KiB"),
        (size(448 * 1024**2), "448.0 MiB"),
        (size(5 * 1024**6), "5120.0 PiB"),
        (size({"unknown": "x"}), "unknown"),
        (size(None), "-"),
        (moment("2026-11-22T20:05:59+01:00"), "2026-11-22 19:05 UTC"),
        (moment("2026-11-22T19:05:59.123456Z"), "2026-11-22 19:05 UTC"),
        (moment("soon\x1b"), "soon"),
        (moment("2026-11-22T19:05:59"), "2026-11-22T19:05:59"),
        (moment(None), "-"),
        (span(0.4), "0 s"),
        (span(59.6), "1 min 00 s"),
        (span(185), "3 min 05 s"),
        (span(7800), "2 h 10 min"),
        (count(1, "machine"), "1 machine"),
        (count(2, "entry", "entries"), "2 entries"),
    ],
)
def test_figures_carry_their_units(shown: str, expected: str) -> None:
    assert shown == expected


def test_columns_line_up_also_with_wide_and_combining_characters() -> None:
    out = io.StringIO()
    rows = [{"a": "数据库", "b": 1}, {"a": "e\u0301t\u00e9", "b": 2}, {"a": "plain", "b": 3}]
    Screen(out, out).table(rows, [Column("A", "a"), Column("B", "b")])
    lines = out.getvalue().splitlines()
    assert {width(line[:-1]) for line in lines} == {8}


def test_a_missing_step_of_a_path_shows_as_nothing() -> None:
    assert Column("X", "summary.memory.bytes").of({"summary": None}) == "-"


def test_no_escape_of_a_machine_name_reaches_the_terminal(tmp_path: Path) -> None:
    row = {"id": "1", "name": HOSTILE, "verdict": HOSTILE, "summary": {"guest_full_name": HOSTILE}}
    desk = Desk(tmp_path, Server({"GET machines": a_list(row)})).signed_in()
    for argv in (["machines"], ["machines", "--json"]):
        ran = desk.run(*argv)
        assert ran.code == 0
        assert all(character == "\n" or 32 <= ord(character) < 127 for character in ran.out)


def test_json_is_what_the_api_gave_to_the_last_member(tmp_path: Path) -> None:
    given = a_list({"id": "1", "name": "Größe \x1b", "unforeseen": {"n": [1.5, None, 2**60]}}) | {"extra": True}
    ran = Desk(tmp_path, Server({"GET machines": given})).signed_in().run("machines", "--json")
    assert ran.document == given
    assert list(ran.document) == list(given)


def test_json_of_a_long_list_is_one_list_with_all_pages(tmp_path: Path) -> None:
    pages = [a_list({"n": 1}, next_url="https://xenbound.test/api/v1/x?cursor=a"), a_list({"n": 2})]
    ran = Desk(tmp_path, Server({"GET projects": pages})).signed_in().run("projects", "list", "--json")
    assert ran.document["results"] == [{"n": 1}, {"n": 2}]
    assert ran.document["next"] is None


def test_hostile_error_texts_are_made_harmless_too(tmp_path: Path) -> None:
    ran = Desk(tmp_path, Server({"GET pools": a_problem(400, "invalid", HOSTILE)})).signed_in().run("pool", "list")
    assert "\x1b" not in ran.err
    assert "\x07" not in ran.err
