"""What the backbone's own tests ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from project.backbone.jobs import handlers
from tests.builders.jobs import KIND

Work = Callable[..., Any]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Work], None]]:
    """Registers the function that does the work of KIND in this test."""
    monkeypatch.setattr(handlers, "_handlers", dict(handlers._handlers))

    def register(function: Work) -> None:
        handlers._handlers.pop(KIND, None)
        handlers.handler(KIND, title="Test work")(function)

    register(lambda job: None)
    yield register
