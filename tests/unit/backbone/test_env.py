"""Settings from the environment: a wrong value stops the start with a sentence that names the variable."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from project import env


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("maybe", lambda: env.flag("XENBOUND_X", default=False)),
        ("ten", lambda: env.number("XENBOUND_X", 1, least=0, most=5)),
        ("nan", lambda: env.number("XENBOUND_X", 1, least=0, most=5)),
        ("6", lambda: env.number("XENBOUND_X", 1, least=0, most=5)),
        ("loud", lambda: env.one_of("XENBOUND_X", "a", ("a", "b"))),
        ("mysql://u:p@h/d", lambda: env.database("XENBOUND_X", Path("x"))),
        ("postgresql://u:p@h", lambda: env.database("XENBOUND_X", Path("x"))),
        ("postgresql://u:p@h:port/d", lambda: env.database("XENBOUND_X", Path("x"))),
        ("http://redis", lambda: env.redis_url("XENBOUND_X")),
        ("redis://h:port/0", lambda: env.redis_url("XENBOUND_X")),
        ("short", lambda: env.secret("XENBOUND_X", Path("x"))),
    ],
)
def test_a_wrong_value_ends_the_start_and_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, read: Callable[[], object]
) -> None:
    monkeypatch.setenv("XENBOUND_X", value)
    with pytest.raises(env.WrongSetting, match="XENBOUND_X"):
        read()


def test_a_database_url_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XENBOUND_X", "postgresql://anna:p%40ss@db.example:5433/xenbound")
    database = env.database("XENBOUND_X", Path("unused"))
    assert (database["USER"], database["PASSWORD"], database["HOST"]) == ("anna", "p@ss", "db.example")
    assert (database["PORT"], database["NAME"]) == ("5433", "xenbound")


def test_without_a_url_sqlite_waits_for_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XENBOUND_X", raising=False)
    options = env.database("XENBOUND_X", Path("x.sqlite3"))["OPTIONS"]
    assert isinstance(options, dict)
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] >= 20
    assert "WAL" in options["init_command"]


def test_a_generated_key_is_kept_and_readable_by_the_owner_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XENBOUND_X", raising=False)
    path = tmp_path / "deep" / "key"
    first = env.secret("XENBOUND_X", path)
    assert len(first) >= 32
    assert env.secret("XENBOUND_X", path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_flags_and_lists_read_their_usual_spellings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XENBOUND_X", "Yes")
    assert env.flag("XENBOUND_X", default=False)
    monkeypatch.setenv("XENBOUND_X", " a, b ,,c")
    assert env.words("XENBOUND_X") == ["a", "b", "c"]
