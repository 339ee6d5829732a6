"""Viewsets of inventories and of what they hold. Only complete inventories show their objects."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from migration.inventory import selectors
from migration.inventory.api.filters import ContainerEntryFilter, EntryFilter, HostEntryFilter, InventoryFilter, VmEntryFilter
from migration.inventory.api.serializers import DiffQuerySerializer, DiffSerializer, EntrySerializer, InventorySerializer
from migration.inventory.core.diff import Change
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import Inventory, InventoryEntry
from migration.inventory.selectors import Opened
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.problems import NotVisible


class InventoryViewSet(ProjectReadOnlyViewSet):
    """Collections of the project's sources, newest first."""

    queryset = Inventory.objects.all()
    serializer_class = InventorySerializer
    filterset_class = InventoryFilter
    ordering_fields: ClassVar = ["created_at", "collected_at"]

    @extend_schema(parameters=[DiffQuerySerializer], responses=DiffSerializer)
    @action(detail=True, methods=["get"])
    def diff(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What came, went and changed since an earlier inventory of the same source."""
        new = self.get_object()
        asked = DiffQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        old = self.get_queryset().filter(pk=wanted["against"]).first()
        if old is None:
            raise NotVisible("inventory")
        change = Change(wanted["change"]) if wanted["change"] else None
        found = selectors.difference(old, new, volatile=change is Change.VOLATILE)
        fitting = found.narrowed(thing=wanted["kind"], change=change)
        first, end = wanted["cursor"], wanted["cursor"] + wanted["limit"]
        url = request.build_absolute_uri()
        told = {
            "against": old.id,
            "counts": found.counts(),
            "count": len(fitting),
            "next": replace_query_param(url, "cursor", end) if end < len(fitting) else None,
            **_by_change(found.opened(fitting[first:end])),
        }
        return Response(DiffSerializer(told).data)


def _by_change(page: list[Opened]) -> dict[str, list[dict[str, Any]]]:
    return {change.value: [_told(each) for each in page if each.moved.change is change] for change in Change}


def _told(each: Opened) -> dict[str, Any]:
    named = {"kind": each.moved.kind.value, "native_id": each.moved.native_id, "name": each.moved.name}
    return {**named, "changes": each.values, "volatile": each.volatile}


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
