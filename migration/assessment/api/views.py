"""The rule catalogue, findings and assessments."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from migration.assessment import selectors
from migration.assessment.api.serializers import (
    AskAssessmentSerializer,
    AssessmentSerializer,
    FindingSerializer,
    RuleSerializer,
)
from migration.assessment.core.registry import Rule, When
from migration.assessment.models import Assessment, Finding
from migration.assessment.services import assessing, exporting
from migration.inventory import selectors as inventories
from project.backbone.api.accepted import accepted
from project.backbone.api.downloads import download
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectReadOnlyViewSet, ProjectViewSet, ScopedViewSet
from project.backbone.clock import now
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.problems import Invalid, NotVisible
from project.backbone.waivers.selectors import waivers_in_force

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GROUPS = ("rule_id", "severity", "result", "cluster", "subject", "subject_kind")


class RuleViewSet(ListModelMixin, ScopedViewSet):
    """The catalogue of assessment rules; the same for everybody."""

    serializer_class = RuleSerializer
    filter_backends = ()

    def get_queryset(self) -> list[Rule]:  # type: ignore[override]  # a catalogue kept in code is one page
        return list(selectors.rules().values())


class Several(filters.BaseInFilter, filters.CharFilter):
    """Values apart by commas; any of them fits."""


class FindingFilter(filters.FilterSet):
    rule_id = Several(lookup_expr="in", label="Rule ids, apart by commas")
    severity = Several(lookup_expr="in")
    result = Several(lookup_expr="in")
    subject_kind = Several(lookup_expr="in")
    cluster = filters.CharFilter(label="Name of a cluster")
    inventory = filters.UUIDFilter(field_name="assessment__inventory_id")
    subject = filters.CharFilter(method="by_subject", label="Subject or its exact name")

    class Meta:
        model = Finding
        fields: ClassVar[list[str]] = []

    def by_subject(self, rows: QuerySet[Finding], name: str, value: str) -> QuerySet[Finding]:
        return rows.filter(Q(subject=value) | Q(subject_name=value))


class FindingScope(ProjectViewSet):
    """Findings of the latest inventories; with `inventory`, of that one."""

    queryset = Finding.objects.select_related("assessment")
    serializer_class = FindingSerializer
    filterset_class = FindingFilter
    search_fields: ClassVar = ["subject_name", "rule_id", "cluster"]
    ordering_fields: ClassVar = ["rule_id", "severity", "subject_name", "cluster", "created_at"]

    def get_queryset(self) -> QuerySet[Finding]:
        if self.for_schema or self.detail or "inventory" in self.request.query_params:
            return super().get_queryset()
        return selectors.latest_findings(self.project)

    def get_serializer_context(self) -> dict[str, Any]:
        waivers = () if self.for_schema else waivers_in_force(self.project, now())
        rules = {} if self.for_schema else selectors.rules_of(self.project)
        return {**super().get_serializer_context(), "waivers": {waiver.covers: waiver for waiver in waivers}, "rules": rules}


class FindingViewSet(ListModelMixin, RetrieveModelMixin, FindingScope):
    """Findings of the latest inventories; with `inventory`, of that one."""

    @extend_schema(parameters=[OpenApiParameter("group_by", str, enum=GROUPS, description="Counts instead of findings.")])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The project's findings; with `group_by`, how many there are of each."""
        if "group_by" in request.query_params:
            rows = selectors.counts(self.filter_queryset(self.get_queryset()), _group_of(request))
            return Response({"results": rows, "next": None, "previous": None, "count": len(rows)})
        return super().list(request, *args, **kwargs)


class FindingsCsvViewSet(FindingScope):
    """The findings of a filter as a table."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The findings of this filter as CSV."""
        text = exporting.findings_csv(self.project, self.filter_queryset(self.get_queryset()))
        return download(text.encode("utf-8-sig"), "text/csv; charset=utf-8", "findings.csv")


class FindingsXlsxViewSet(FindingScope):
    """The findings of a filter as a workbook."""

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The findings of this filter as `.xlsx`."""
        content = exporting.findings_xlsx(self.project, self.filter_queryset(self.get_queryset()))
        return download(content, XLSX, "findings.xlsx")


def _group_of(request: Request) -> str:
    column = request.query_params.get("group_by", "")
    if column not in GROUPS:
        detail = f"Findings are grouped by {', '.join(GROUPS)}."
        raise Invalid(detail, errors=[{"field": "group_by", "code": "invalid_choice", "detail": detail}])
    return column


class AssessmentViewSet(ProjectReadOnlyViewSet):
    """Which inventories were assessed, when, in which modes, and by which limits."""

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
        job = assessing.ask(
            inventory, actor=self.actor, modes=_modes(asked.validated_data), idempotency_key=idempotency_key_of(request)
        )
        return accepted(job, request)


def _modes(asked: dict[str, Any]) -> assessing.Modes | None:
    """None where neither mode is named: then those of the last assessment are kept."""
    if "warm" not in asked and "ha" not in asked:
        return None
    return frozenset(mode for mode in (When.WARM, When.HA) if asked.get(mode.value))
