"""migration.reports as a Django app. Once ready it tells inventory and readiness what was known when reports were made."""

from __future__ import annotations

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "migration.reports"
    label = "reports"

    def ready(self) -> None:
        from migration.inventory import keeping
        from migration.reports.selectors import made_at
        from readiness import keeping as of_pools

        keeping.register(keeping.Dependant("reports", cited_at=made_at))
        of_pools.register(of_pools.Dependant("reports", cited_at=made_at))
