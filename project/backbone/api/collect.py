"""Collects what each app's `api` room offers into the URLs of the API. Only project/urls.py calls this.

An app's `api/urls.py` (or `api.py`) may define:
  PROJECT_ROUTES  [(prefix, ViewSet, basename)]  below /api/v1/projects/{project_id}/; a prefix may hold `<uuid:pool_id>`
  TOP_ROUTES      [(prefix, ViewSet, basename)]  below /api/v1/
  PROJECT_URLS, TOP_URLS  lists of `path(...)` for views that are no viewsets
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from project.backbone.api.root import ApiRootView

Urls = list[URLPattern | URLResolver]
Route = tuple[str, Any, str]


def api_urls(apps: Iterable[str]) -> Urls:
    """The patterns below /api/v1/ from the `api` rooms of these apps (dotted names)."""
    rooms = [room for app in apps for room in _rooms(app)]
    top = _gather(rooms, "TOP_ROUTES")
    below = _gather(rooms, "PROJECT_ROUTES")
    root = ApiRootView.as_view(collections=_names(top), project_collections=_names(below))
    return [
        path("", root, name="api-root"),
        *_gather(rooms, "TOP_URLS"),
        *_routed(top),
        path("projects/<uuid:project_id>/", include([*_gather(rooms, "PROJECT_URLS"), *_routed(below)])),
    ]


def _rooms(app: str) -> list[ModuleType]:
    if find_spec(f"{app}.api") is None:
        return []
    room = import_module(f"{app}.api")
    if hasattr(room, "__path__") and find_spec(f"{app}.api.urls") is not None:
        return [import_module(f"{app}.api.urls")]
    return [room]


def _gather(rooms: Sequence[ModuleType], name: str) -> list[Any]:
    return [entry for room in rooms for entry in getattr(room, name, [])]


def _routed(routes: Iterable[Route]) -> Urls:
    router = SimpleRouter(trailing_slash=False, use_regex_path=False)
    for prefix, viewset, basename in routes:
        router.register(prefix, viewset, basename=basename)
    return list(router.urls)


def _names(routes: Iterable[Route]) -> tuple[str, ...]:
    return tuple(sorted(prefix for prefix, _, _ in routes if "<" not in prefix))
