"""Pages are looked at in one project with something on each of them, at a time that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from project.backbone import clock
from tests.builders.pages import World, a_world
from tests.builders.people import People
from tests.builders.pools import NOW


@pytest.fixture(autouse=True)
def at_now() -> Iterator[None]:
    with clock.frozen(NOW):
        yield


@pytest.fixture
def world(people: People) -> World:
    return a_world(people, at=NOW)
