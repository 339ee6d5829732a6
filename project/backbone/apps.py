"""The backbone as a Django app. At start it imports every app's `jobs` module and its own, so that handlers are registered."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class BackboneConfig(AppConfig):
    name = "project.backbone"
    label = "backbone"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        autodiscover_modules("jobs")
        import_module("project.backbone.notices.jobs")
