"""migration.planning as a Django app. When Django is ready it tells the inventory which machines must stay what they are,
and inventory and readiness what was known when plans were approved.
"""

from __future__ import annotations

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    name = "migration.planning"
    label = "planning"

    def ready(self) -> None:
        from migration.inventory import joining, keeping
        from migration.planning.identity import plan_places
        from migration.planning.selectors import approved_at, readings_planned_with
        from readiness import keeping as of_pools

        joining.register(plan_places)
        keeping.register(keeping.Dependant("planning", cited_at=approved_at))
        of_pools.register(of_pools.Dependant("planning", cited=readings_planned_with, cited_at=approved_at))
