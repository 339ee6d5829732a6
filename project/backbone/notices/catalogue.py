"""What notices can be about: each app registers its events when Django is ready, as `name -> what happened` in words."""

from __future__ import annotations

from collections.abc import Mapping

TEST = "test"
"""Not to be chosen: sent when somebody asks for a test delivery."""

_events: dict[str, str] = {}


def register(events: Mapping[str, str]) -> None:
    """An app's events. Registered again they stay the same."""
    _events.update(events)


def events() -> dict[str, str]:
    """Every event with its words, by name."""
    return dict(sorted(_events.items()))
