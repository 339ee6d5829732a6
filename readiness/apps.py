"""readiness as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    name = "readiness"
    label = "readiness"
