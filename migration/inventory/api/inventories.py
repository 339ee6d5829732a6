"""Viewsets of inventories and of what they hold. Only complete inventories show their objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from migration.inventory import selectors
from migration.inventory.api.filters import ContainerEntryFilter, EntryFilter, HostEntryFilter, InventoryFilter, VmEntryFilter
from migration.inventory.api.serializers import DiffSerializer, EntrySerializer, InventorySerializer
from migration.inventory.core.diff import Key, Pointer, changed_paths
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import Inventory, InventoryEntry
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.problems import Invalid, NotVisible


class InventoryViewSet(ProjectReadOnlyViewSet):
    """Collections of the project's sources, newest first."""

    queryset = Inventory.objects.all()
    serializer_class = InventorySerializer
    filterset_class = InventoryFilter
    ordering_fields: ClassVar = ["created_at", "collected_at"]

    @extend_schema(parameters=[OpenApiParameter("against", OpenApiTypes.UUID, required=True)], responses=DiffSerializer)
    @action(detail=True, methods=["get"])
    def diff(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What came, went and changed since an earlier inventory of the same source."""
        new = self.get_object()
        old = self._against(request.query_params.get("against", ""))
        return Response(DiffSerializer(_difference(old, new)).data)

    def _against(self, text: str) -> Inventory:
        try:
            wanted = UUID(text)
        except ValueError:
            detail = "against must be the id of an inventory."
            raise Invalid(detail, errors=[{"field": "against", "code": "not_an_id", "detail": detail}]) from None
        found: Inventory | None = self.get_queryset().filter(pk=wanted).first()
        if found is None:
            raise NotVisible("inventory")
        return found


def _difference(old: Inventory, new: Inventory) -> dict[str, Any]:
    found, before, after = selectors.inventory_diff(old, new)
    bodies = selectors.bodies(side[key].digest for key in found.changed for side in (before, after))
    return {
        "against": old.id,
        "added": [_object(key, after) for key in found.added],
        "gone": [_object(key, before) for key in found.gone],
        "changed": [
            {**_object(key, after), "changes": list(changed_paths(bodies[before[key].digest], bodies[after[key].digest]))}
            for key in found.changed
        ],
    }


def _object(key: Key, side: Mapping[Key, Pointer]) -> dict[str, str]:
    kind, native_id = key
    return {"kind": kind.value, "native_id": native_id, "name": side[key].name}


class EntryViewSet(ProjectReadOnlyViewSet):
    """The objects of one kind in one inventory."""

    queryset = InventoryEntry.objects.all()
    serializer_class = EntrySerializer
    filterset_class: ClassVar[type[filters.FilterSet]] = EntryFilter
    project_lookup = "inventory__project"
    search_fields: ClassVar = ["name", "native_id"]
    ordering_fields: ClassVar = ["name", "native_id"]
    kind: ClassVar[FactKind]

    def get_queryset(self) -> QuerySet[InventoryEntry]:
        if self.for_schema:
            return super().get_queryset()
        inventory = Inventory.objects.filter(project=self.project, pk=self.kwargs["inventory_id"]).first()
        if inventory is None:
            raise NotVisible("inventory")
        return selectors.entries(inventory, self.kind)


class VmEntryViewSet(EntryViewSet):
    """The VMs of one inventory with their disks, NICs and snapshots."""

    kind = FactKind.VM
    filterset_class = VmEntryFilter


class HostEntryViewSet(EntryViewSet):
    """The ESXi hosts of one inventory."""

    kind = FactKind.HOST
    filterset_class = HostEntryFilter


class ClusterEntryViewSet(EntryViewSet):
    """The clusters of one inventory."""

    kind = FactKind.CLUSTER


class DatastoreEntryViewSet(EntryViewSet):
    """The datastores of one inventory."""

    kind = FactKind.DATASTORE


class NetworkEntryViewSet(EntryViewSet):
    """The networks of one inventory."""

    kind = FactKind.NETWORK


class SwitchEntryViewSet(EntryViewSet):
    """The distributed switches of one inventory."""

    kind = FactKind.SWITCH


class ContainerEntryViewSet(EntryViewSet):
    """The folders, datacenters, resource pools, vApps and storage pods of one inventory."""

    kind = FactKind.CONTAINER
    filterset_class = ContainerEntryFilter
