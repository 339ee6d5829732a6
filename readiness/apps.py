"""Readiness as a Django app. When Django is ready it tells the backbone which of its checks can be waived."""

from __future__ import annotations

from django.apps import AppConfig


class ReadinessConfig(AppConfig):
    name = "readiness"
    label = "readiness"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from project.backbone.waivers import catalogue
        from readiness.waivable import CHECKS

        catalogue.register(CHECKS)
