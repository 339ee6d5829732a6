"""migration.reports as a Django app. Once ready it tells the backbone when reports were made."""

from __future__ import annotations

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "migration.reports"
    label = "reports"

    def ready(self) -> None:
        from migration.reports.selectors import made_at
        from project.backbone import deciding

        deciding.register("reports", made_at)
