"""Collects the pages of each app's `web` room into the URLs of the site. Only project/urls.py calls this.

An app's `web.py` (or `web/__init__.py`) may define:
  PAGES      [path(...)]  below /projects/{project_id}/
  TOP_PAGES  [path(...)]  below /
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from django.urls import URLPattern, URLResolver, include, path

Urls = list[URLPattern | URLResolver]


def page_urls(apps: Iterable[str]) -> Urls:
    """The patterns of all pages from the `web` rooms of these apps (dotted names)."""
    rooms = [import_module(f"{app}.web") for app in apps if app != "project.web" and find_spec(f"{app}.web") is not None]
    return [*_gather(rooms, "TOP_PAGES"), path("projects/<uuid:project_id>/", include(_gather(rooms, "PAGES")))]


def _gather(rooms: Sequence[ModuleType], name: str) -> Urls:
    return [entry for room in rooms for entry in getattr(room, name, [])]
