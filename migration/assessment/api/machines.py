"""Machines: shown here because their verdict is ours; their rows belong to the inventory."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from migration.assessment import selectors
from migration.assessment.api.machine_serializers import (
    MachineChangeSerializer,
    MachineDetailSerializer,
    MachineSerializer,
    ManyMachinesChangedSerializer,
    ManyMachinesChangeSerializer,
    PartSerializer,
)
from migration.assessment.core.verdicts import Verdict
from migration.inventory import selectors as inventories
from migration.inventory.selectors import Machine
from migration.inventory.services import identity, machines
from project.backbone.api.etags import EtagMixin
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.clock import now


class MachineFilter(filters.FilterSet):
    name = filters.CharFilter()
    name__icontains = filters.CharFilter(field_name="name", lookup_expr="icontains")
    disposition = filters.CharFilter()
    application = filters.UUIDFilter(field_name="application_id")
    application__isnull = filters.BooleanFilter(field_name="application_id", lookup_expr="isnull", label="Serves no application")
    source = filters.UUIDFilter(field_name="source_id")
    native_id = filters.CharFilter()
    verdict = filters.ChoiceFilter(choices=[(v.value, v.value) for v in Verdict], method="by_verdict")

    def by_verdict(self, rows: QuerySet[Machine], name: str, value: str) -> QuerySet[Machine]:
        project = self.request.parser_context["view"].project
        return rows.filter(id__in=selectors.machine_ids_with_verdict(project, Verdict(value), at=now()))


class MachineViewSet(EtagMixin, ProjectReadOnlyViewSet):
    """Machines by their stable identity: latest facts, verdict, disposition, application."""

    queryset = inventories.Machine.objects.all()
    serializer_class = MachineSerializer
    filterset_class = MachineFilter
    search_fields: ClassVar = ["name", "native_id", "instance_uuid"]
    ordering_fields: ClassVar = ["name", "created_at", "disposition"]

    def get_queryset(self) -> QuerySet[Machine]:
        return super().get_queryset() if self.for_schema else inventories.machines(self.project)

    @extend_schema(responses=MachineSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The project's machines."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        assessed = selectors.assessed_machines(self.project, page or (), at=now())
        shown = MachineSerializer(assessed, many=True)  # type: ignore[arg-type]  # many=True takes a list
        return self.get_paginated_response(shown.data)

    @extend_schema(responses=MachineDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One machine with all its facts."""
        return Response(self._detail(self.get_object()))

    @extend_schema(request=MachineChangeSerializer, responses=MachineDetailSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say what shall become of the machine, and which application it serves."""
        asked = MachineChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        machine = machines.change_machine(self.get_object(), actor=self.actor, **asked.validated_data)
        return Response(self._detail(machine))

    @extend_schema(request=ManyMachinesChangeSerializer, responses=ManyMachinesChangedSerializer)
    @action(detail=False, methods=["post"], url_path="set")
    def set_many(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Decide the same on many machines, all or none."""
        asked = ManyMachinesChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        changes = {**asked.validated_data}
        named = changes.pop("machines")
        changed = machines.change_machines(self.project, named, actor=self.actor, **changes)
        return Response({"machines": len(set(named)), "changed": changed})

    @extend_schema(request=PartSerializer, responses={201: MachineDetailSerializer})
    @action(detail=True, methods=["post"])
    def part(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make what one source shows of it a machine of its own: they were taken for one wrongly. Answers the new machine."""
        asked = PartSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        machine = self.get_object()
        own = identity.part(machine, source_id=asked.validated_data["source"], actor=self.actor)
        return Response(self._detail(self.get_queryset().get(pk=own.pk)), status=201)

    def _detail(self, machine: Machine) -> dict[str, Any]:
        (assessed,) = selectors.assessed_machines(self.project, [machine], at=now())
        group = selectors.group_of(self.project, machine.id)
        context = {"route": selectors.ways(self.project, [machine.id])[machine.id], "group": group.id if group else None}
        shown: dict[str, Any] = MachineDetailSerializer(assessed, context=context).data
        return shown
