"""What the product reads beside its modules goes into the wheel with them: tables, templates, static files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def setuptools_table() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    return table


def test_every_file_beside_the_modules_is_package_data(setuptools_table: dict[str, Any]) -> None:
    folders = [ROOT / pattern.rstrip("*") for pattern in setuptools_table["packages"]["find"]["include"]]
    patterns = setuptools_table["package-data"]["*"]
    beside, packed = set[Path](), set[Path]()
    for folder in folders:
        beside |= {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
        packed |= {path for module in folder.rglob("__init__.py") for pattern in patterns for path in module.parent.glob(pattern)}
    assert beside - packed == set()


def test_every_module_lies_in_a_package(setuptools_table: dict[str, Any]) -> None:
    folders = [ROOT / pattern.rstrip("*") for pattern in setuptools_table["packages"]["find"]["include"]]
    homeless = {path.parent for folder in folders for path in folder.rglob("*.py") if not (path.parent / "__init__.py").exists()}
    assert not homeless


def test_lab_tests_and_command_stay_out(setuptools_table: dict[str, Any]) -> None:
    included = {pattern.rstrip("*") for pattern in setuptools_table["packages"]["find"]["include"]}
    assert included == {"project", "estate", "migration", "readiness", "kms"}
