"""migration.conversion as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ConversionConfig(AppConfig):
    name = "migration.conversion"
    label = "conversion"
