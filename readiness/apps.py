"""Readiness as a Django app; its jobs register when Django is ready."""

from __future__ import annotations

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    name = "readiness"
    label = "readiness"
    default_auto_field = "django.db.models.BigAutoField"
