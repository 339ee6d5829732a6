"""Readiness as a Django app. At start it tells the backbone which of its checks can be waived, and what notices can be about."""

from __future__ import annotations

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    name = "readiness"
    label = "readiness"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from project.backbone.notices.catalogue import register
        from project.backbone.waivers import catalogue
        from readiness.services.alarms import EVENTS
        from readiness.waivable import CHECKS

        catalogue.register(CHECKS)
        register(EVENTS)
