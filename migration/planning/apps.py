"""migration.planning as a Django app. When Django is ready it tells the inventory which machines must stay what they are,
the backbone when plans were approved, and readiness which readings they were made with.
"""

from __future__ import annotations

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "migration.planning"
    label = "planning"

    def ready(self) -> None:
        from migration.inventory import joining
        from migration.planning.identity import plan_places
        from migration.planning.selectors import approved_at, readings_planned_with
        from project.backbone import deciding
        from readiness import keeping

        joining.register(plan_places)
        deciding.register("planning", approved_at)
        keeping.register("planning", readings_planned_with)
