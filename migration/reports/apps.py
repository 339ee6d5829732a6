"""migration.reports as a Django app. When Django is ready it tells the inventory what was known when reports were made."""

from __future__ import annotations

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "migration.reports"
    label = "reports"

    def ready(self) -> None:
        from migration.inventory import keeping
        from migration.reports.selectors import made_at

        keeping.register(keeping.Dependant("reports", cited_at=made_at))
