"""migration.conversion as a Django app. When Django is ready it tells the inventory which machines must stay what they are."""

from __future__ import annotations

from django.apps import AppConfig


class ConversionConfig(AppConfig):
    name = "migration.conversion"
    label = "conversion"

    def ready(self) -> None:
        from migration.conversion.identity import conversion_stands
        from migration.inventory import joining

        joining.register(conversion_stands)
