"""migration.planning as a Django app. When Django is ready it tells the inventory which machines must stay what they are."""

from __future__ import annotations

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "migration.planning"
    label = "planning"

    def ready(self) -> None:
        from migration.inventory import joining
        from migration.planning.identity import plan_places

        joining.register(plan_places)
