"""Where the inventory's viewsets hang."""

from __future__ import annotations

from migration.inventory.api import inventories as views
from migration.inventory.api.applications import ApplicationViewSet
from migration.inventory.api.identity import IdentityQuestionViewSet
from migration.inventory.api.sources import SourceViewSet

PROJECT_ROUTES = [
    ("applications", ApplicationViewSet, "application"),
    ("sources", SourceViewSet, "source"),
    ("identity-questions", IdentityQuestionViewSet, "identity-question"),
    ("inventories", views.InventoryViewSet, "inventory"),
    ("inventories/<uuid:inventory_id>/vms", views.VmEntryViewSet, "inventory-vm"),
    ("inventories/<uuid:inventory_id>/hosts", views.HostEntryViewSet, "inventory-host"),
    ("inventories/<uuid:inventory_id>/clusters", views.ClusterEntryViewSet, "inventory-cluster"),
    ("inventories/<uuid:inventory_id>/datastores", views.DatastoreEntryViewSet, "inventory-datastore"),
    ("inventories/<uuid:inventory_id>/networks", views.NetworkEntryViewSet, "inventory-network"),
    ("inventories/<uuid:inventory_id>/switches", views.SwitchEntryViewSet, "inventory-switch"),
    ("inventories/<uuid:inventory_id>/containers", views.ContainerEntryViewSet, "inventory-container"),
]
