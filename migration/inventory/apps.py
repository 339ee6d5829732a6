"""migration.inventory as a Django app. When Django is ready it hands readiness what ESXi hosts call their storage."""

from __future__ import annotations

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "migration.inventory"
    label = "inventory"

    def ready(self) -> None:
        from migration.inventory.selectors.esxi_storage import esxi_storage
        from readiness.selectors import vmware

        vmware.register(esxi_storage)
