"""The lock files pin every package with hashes and name no download host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parents[3] / "requirements"


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_every_package_is_pinned_with_a_hash_and_no_host_is_named(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.lock").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==\S+", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)


def test_every_direct_dependency_has_its_reason_in_the_docs() -> None:
    reasons = (REQUIREMENTS.parent / "docs" / "dependencies.md").read_text().lower()
    for line in (REQUIREMENTS / "runtime.in").read_text().splitlines():
        package = re.split(r"[\[~=<>]", line.strip())[0].lower()
        assert package in reasons, f"{package} has no line in docs/dependencies.md"


def test_the_development_lock_pins_the_same_runtime() -> None:
    pins = re.compile(r"^([a-z0-9][a-z0-9._-]*(?:\[[a-z,]+\])?)==(\S+)", re.MULTILINE)
    runtime = dict(pins.findall((REQUIREMENTS / "runtime.lock").read_text()))
    dev = dict(pins.findall((REQUIREMENTS / "dev.lock").read_text()))
    assert {name: dev.get(name) for name in runtime} == runtime
