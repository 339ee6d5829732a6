"""Viewsets of the assessment. Machines are shown here because their verdict is ours; their rows belong to the inventory."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from migration.assessment import selectors, services
from migration.assessment.api.serializers import (
    AskAssessmentSerializer,
    AssessmentSerializer,
    FindingSerializer,
    MachineChangeSerializer,
    MachineDetailSerializer,
    MachineSerializer,
    RuleSerializer,
)
from migration.assessment.core.registry import Rule
from migration.assessment.core.verdicts import Verdict
from migration.assessment.models import Assessment, Finding
from migration.assessment.selectors import AssessedMachine
from migration.inventory import selectors as inventories
from migration.inventory.selectors import Machine
from migration.inventory.services import machines
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectReadOnlyViewSet, ScopedViewSet
from project.backbone.clock import now
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.problems import NotVisible
from project.backbone.waivers.selectors import waivers_in_force


class RuleViewSet(ListModelMixin, ScopedViewSet):
    """The catalogue of assessment rules; the same for everybody."""

    serializer_class = RuleSerializer
    filter_backends = ()

    def get_queryset(self) -> list[Rule]:  # type: ignore[override]  # a catalogue kept in code is one page
        return list(selectors.rules().values())


class FindingFilter(filters.FilterSet):
    inventory = filters.UUIDFilter(field_name="assessment__inventory_id")
    subject = filters.CharFilter(method="by_subject", label="Machine id or exact name")

    class Meta:
        model = Finding
        fields: ClassVar = {"rule_id": ["exact", "in"], "severity": ["exact"], "result": ["exact"]}

    def by_subject(self, rows: QuerySet[Finding], name: str, value: str) -> QuerySet[Finding]:
        try:
            return rows.filter(Q(machine_id=UUID(value)) | Q(machine_name=value))
        except ValueError:
            return rows.filter(machine_name=value)


class FindingViewSet(ProjectReadOnlyViewSet):
    """Findings of the latest inventories; with `inventory`, of that one."""

    queryset = Finding.objects.select_related("assessment")
    serializer_class = FindingSerializer
    filterset_class = FindingFilter
    search_fields: ClassVar = ["machine_name", "rule_id"]
    ordering_fields: ClassVar = ["rule_id", "severity", "machine_name", "created_at"]

    def get_queryset(self) -> QuerySet[Finding]:
        if self.for_schema or self.detail or "inventory" in self.request.query_params:
            return super().get_queryset()
        return selectors.latest_findings(self.project)

    def get_serializer_context(self) -> dict[str, Any]:
        waivers = () if self.for_schema else waivers_in_force(self.project, now())
        return {**super().get_serializer_context(), "waivers": {waiver.covers: waiver for waiver in waivers}}


class AssessmentViewSet(ProjectReadOnlyViewSet):
    """Which inventories were assessed, when, and by which limits."""

    queryset = Assessment.objects.all()
    serializer_class = AssessmentSerializer
    filterset_fields: ClassVar = ["inventory_id"]
    ordering_fields: ClassVar = ["assessed_at"]

    @extend_schema(request=AskAssessmentSerializer, responses={202: JobSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Assess an inventory again, with what is known of the pools by now."""
        asked = AskAssessmentSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        inventory = inventories.inventory(asked.validated_data["inventory"])
        if inventory.project_id != self.project.id:
            raise NotVisible("inventory")
        return accepted(services.ask(inventory, actor=self.actor, idempotency_key=idempotency_key_of(request)), request)


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
