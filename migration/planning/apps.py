"""migration.planning as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "migration.planning"
    label = "planning"
