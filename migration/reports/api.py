"""The API of reports: ask for one, list them, fetch a form of one."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from migration.reports import selectors
from migration.reports.models import Report, ReportKind
from migration.reports.services import requests
from project.backbone.accounts import selectors as accounts
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ActorMixin, ProjectReadOnlyViewSet
from project.backbone.api.strict import StrictMixin
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.problems import Conflict, NotVisible

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS = {"html": "text/html; charset=utf-8", "pdf": "application/pdf", "xlsx": SPREADSHEET, "json": "application/json"}


class ReportSerializer(serializers.ModelSerializer[Report]):
    class Meta:
        model = Report
        fields: ClassVar = ["id", "kind", "created_at", "made_at", "asked_by_name"]


class ReportRequestSerializer(StrictMixin, serializers.Serializer[dict[str, str]]):
    kind = serializers.ChoiceField(choices=ReportKind.choices)


class ReportViewSet(ProjectReadOnlyViewSet):
    """Reports of a project, newest first."""

    queryset = Report.objects.all()
    serializer_class = ReportSerializer
    filterset_fields: ClassVar = ["kind"]
    ordering_fields: ClassVar = ["created_at"]

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().defer("document", "html", "pdf", "xlsx")

    @extend_schema(request=ReportRequestSerializer, responses={202: JobSerializer})
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Ask for a report; the job's result names its id."""
        body = ReportRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        kind = ReportKind(body.validated_data["kind"])
        key = idempotency_key_of(request)
        return accepted(requests.request(self.project, kind=kind, actor=self.actor, idempotency_key=key), request)


class ReportFormView(ActorMixin, APIView):
    """One form of a report: html, pdf, xlsx or json."""

    @extend_schema(
        responses={
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            (200, SPREADSHEET): OpenApiTypes.BINARY,
            (200, "application/json"): OpenApiTypes.OBJECT,
        }
    )
    def get(self, request: Request, project_id: UUID, report_id: UUID, form: str, **kwargs: Any) -> HttpResponse:
        project = accounts.project(project_id, actor=self.actor)
        report = selectors.report(project.pk, report_id)
        if report is None:
            raise NotVisible("report")
        if report.made_at is None:
            raise Conflict("This report is not made yet.", code="report_not_made", next_step="Wait for its job, then ask again.")
        return _answer(report, form)


def _answer(report: Report, form: str) -> HttpResponse:
    if form == "json":
        return Response(report.document)
    body = _bodies(report)[form]
    if not body:
        raise Conflict(
            f"This report was made without its {form} form.", code="report_form_missing", next_step="Ask for a new report."
        )
    answer = HttpResponse(body, content_type=FORMS[form])
    answer["Content-Disposition"] = f'inline; filename="{report.kind}-{report.made_at:%Y%m%d-%H%M}.{form}"'
    # A report shows names from foreign systems: it may load and run nothing.
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    return answer


def _bodies(report: Report) -> dict[str, str | bytes]:
    return {"html": report.html, "pdf": bytes(report.pdf or b""), "xlsx": bytes(report.xlsx or b"")}


PROJECT_ROUTES = [("reports", ReportViewSet, "report")]
PROJECT_URLS = [
    path(f"reports/<uuid:report_id>.{form}", ReportFormView.as_view(), {"form": form}, name=f"report-{form}") for form in FORMS
]
