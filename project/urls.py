"""Where every URL hangs. Apps add theirs by lists in their `api` room; see collect.py of the backbone's API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
