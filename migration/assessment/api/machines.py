"""Machines: shown here because their verdict is ours; their rows belong to the inventory."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from migration.assessment import selectors
from migration.assessment.api.serializers import MachineChangeSerializer, MachineDetailSerializer, MachineSerializer
from migration.assessment.core.verdicts import Verdict
from migration.assessment.selectors import AssessedMachine
from migration.inventory import selectors as inventories
from migration.inventory.selectors import Machine
from migration.inventory.services import machines
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.clock import now


class MachineFilter(filters.FilterSet):
    name = filters.CharFilter()
    name__icontains = filters.CharFilter(field_name="name", lookup_expr="icontains")
    disposition = filters.CharFilter()
    source = filters.UUIDFilter(field_name="source_id")
    native_id = filters.CharFilter()
    verdict = filters.ChoiceFilter(choices=[(v.value, v.value) for v in Verdict], method="by_verdict")

    def by_verdict(self, rows: QuerySet[Machine], name: str, value: str) -> QuerySet[Machine]:
        project = self.request.parser_context["view"].project
        return rows.filter(id__in=selectors.machine_ids_with_verdict(project, Verdict(value), at=now()))


class MachineViewSet(ProjectReadOnlyViewSet):
    """Machines by their stable identity: latest facts, verdict, disposition."""

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
        return Response(MachineDetailSerializer(self._assessed(self.get_object())).data)

    @extend_schema(request=MachineChangeSerializer, responses=MachineDetailSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say what shall become of the machine."""
        asked = MachineChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        machine = machines.set_disposition(self.get_object(), actor=self.actor, **asked.validated_data)
        return Response(MachineDetailSerializer(self._assessed(machine)).data)

    def _assessed(self, machine: Machine) -> AssessedMachine:
        (assessed,) = selectors.assessed_machines(self.project, [machine], at=now())
        return assessed
