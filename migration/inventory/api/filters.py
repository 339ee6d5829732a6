"""Filters of the inventory lists. Facts are looked up among the facets of an entry (core.facets)."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from migration.inventory.core.facets import TAGS, tag_mark
from migration.inventory.models import Inventory, InventoryEntry


def _fact(path: str, lookup: str = "exact") -> filters.CharFilter:
    return filters.CharFilter(field_name=f"facets__{path}", lookup_expr=lookup)


class InventoryFilter(filters.FilterSet):
    source = filters.UUIDFilter(field_name="source_id")

    class Meta:
        model = Inventory
        fields: ClassVar = {"state": ["exact", "in"]}


class EntryFilter(filters.FilterSet):
    tag = filters.CharFilter(method="with_tag", max_length=600)

    def with_tag(self, rows: QuerySet[InventoryEntry], _name: str, tag: str) -> QuerySet[InventoryEntry]:
        """Entries that bear this tag as a whole, in any case."""
        return rows.filter(**{f"facets__{TAGS}__icontains": tag_mark(tag)})

    class Meta:
        model = InventoryEntry
        fields: ClassVar = {"name": ["exact", "icontains"], "native_id": ["exact"]}


class VmEntryFilter(EntryFilter):
    power_state = _fact("power_state")
    connection_state = _fact("connection_state")
    firmware = _fact("firmware")
    guest_id = _fact("guest_id")
    guest_full_name__icontains = _fact("guest_full_name", "icontains")
    host_id = _fact("host_id")
    cluster_id = _fact("cluster_id")
    folder_path__icontains = _fact("folder_path", "icontains")


class HostEntryFilter(EntryFilter):
    cluster_id = _fact("cluster_id")
    connection_state = _fact("connection_state")


class ContainerEntryFilter(EntryFilter):
    kind = _fact("kind")
    parent_id = _fact("parent_id")
