"""docs/settings.md and the source agree: every environment variable is listed, with the default and the limits that count."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from project import env

ROOT = Path(__file__).parents[3]
READERS = ("project", "estate", "migration", "readiness", "kms", "cli", "lab", "tests")
OURS = re.compile(r"XENBOUND_[A-Z_]+|DATABASE_URL|REDIS_URL|XDG_CONFIG_HOME")
NOT_READ = {"XENBOUND_X"}  # stands for any variable in the tests of env.py
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*) \| (.*) \|$", re.MULTILINE)


def variables_in(module: ast.Module) -> Iterator[str]:
    """Texts that are a variable's name and nothing else."""
    texts = (node.value for node in ast.walk(module) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return (text for text in texts if OURS.fullmatch(text))


@pytest.fixture(scope="module")
def listed() -> dict[str, str]:
    """Every variable of the page and its default. One that two programs read counts as the server's."""
    rows = ROW.findall((ROOT / "docs" / "settings.md").read_text(encoding="utf-8"))
    return {name: f"{default} | {meaning}" for name, default, meaning in reversed(rows)}


def test_the_page_lists_exactly_the_variables_that_are_read(listed: dict[str, str]) -> None:
    modules = (path for folder in READERS for path in (ROOT / folder).rglob("*.py"))
    read = {name for path in modules for name in variables_in(ast.parse(path.read_text(encoding="utf-8")))}
    assert read - NOT_READ == set(listed)


def test_numbers_are_listed_with_their_default_and_limits(
    listed: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    numbers: dict[str, tuple[float, float, float]] = {}

    def note(name: str, default: float, *, least: float, most: float) -> float:
        numbers[name] = (default, least, most)
        return default

    monkeypatch.setattr(env, "number", note)
    monkeypatch.setenv("XENBOUND_VAR", str(tmp_path))
    runpy.run_path(str(ROOT / "project" / "settings.py"))

    for name, (default, least, most) in numbers.items():
        shown_default, meaning = listed[name].split(" | ", 1)
        assert shown_default == _plain(default), name
        assert f"{_plain(least)} to {_plain(most)}" in meaning, name


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
