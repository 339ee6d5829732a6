"""The published schema: generated without a warning, and every member of it says what it means."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from project.openapi import members, words


@cache
def schema() -> dict[str, Any]:
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return generated


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_schema_is_valid_and_made_without_a_warning(tmp_path: Path) -> None:
    target = tmp_path / "openapi.yaml"
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(target))
    assert target.stat().st_size > 10_000


def test_every_member_says_what_it_means() -> None:
    silent = {f"{component}.{member}" for component, member, about in members(schema()) if not about.get("description")}
    assert not silent, f"give each a help_text, or a line in project/data/api_words.toml: {silent}"


def test_no_meaning_is_kept_for_a_member_that_is_gone() -> None:
    shown = {(component.removeprefix("Patched"), member) for component, member, _ in members(schema())}
    shown |= {(component, member) for component, member, _ in members(schema())}
    kept = {(component, member) for component, inner in words()["of"].items() for member in inner}
    assert kept <= shown
    assert set(words()["fields"]) <= {member for _, member in shown}


def test_every_operation_is_described_has_one_collection_and_a_problem_answer() -> None:
    for name, operation in operations():
        assert operation.get("description"), name
        assert len(operation["tags"]) == 1, name
        assert "application/problem+json" in operation["responses"]["default"]["content"], name


def test_every_collection_is_described_and_none_that_is_gone() -> None:
    described = {tag["name"] for tag in schema()["tags"] if tag["description"]}
    assert described == {tag for _, operation in operations() for tag in operation["tags"]}


def test_what_starts_work_names_the_key_and_the_address_of_its_job() -> None:
    starting = [(name, operation) for name, operation in operations() if "202" in operation["responses"] and "/jobs/" not in name]
    assert len(starting) > 10
    for name, operation in starting:
        assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}, name
        assert "Location" in operation["responses"]["202"]["headers"], name
