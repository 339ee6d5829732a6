"""migration.cutover as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class CutoverConfig(AppConfig):
    name = "migration.cutover"
    label = "cutover"
