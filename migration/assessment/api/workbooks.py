"""Workbooks that go out to people and come back filled in: the estate, and the open questions."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from estate.sheets import SMALL
from migration.assessment.api.views import XLSX
from migration.assessment.models import Attestation
from migration.assessment.services import estate_workbook, filled_estate, question_workbook
from migration.inventory.selectors import Machine
from project.backbone.api.downloads import download
from project.backbone.api.scoping import ProjectViewSet
from project.backbone.api.strict import StrictMixin
from project.backbone.problems import Invalid

DRY_RUN = OpenApiParameter("dry_run", bool, description="Say what it would change, and change nothing.")


class FilledWorkbookSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    file = serializers.FileField(allow_empty_file=False, help_text="The workbook as it came back, .xlsx.")


class ChangeLineSerializer(serializers.Serializer[Any]):
    sheet = serializers.CharField(help_text="Sheet the row stands on.")
    name = serializers.CharField()
    what = serializers.CharField(help_text="What it is now.")


class EstateTakenSerializer(serializers.Serializer[Any]):
    """What the workbook changed, or with `dry_run` would change."""

    dry_run = serializers.BooleanField(help_text="Whether nothing was written.")
    applications_added = serializers.IntegerField(help_text="Applications that were new.")
    applications_changed = serializers.IntegerField(help_text="Applications that were another before.")
    machines_changed = serializers.IntegerField(help_text="Machines that were decided otherwise before.")
    changes = ChangeLineSerializer(many=True, help_text="The first 500, line by line.")


class AnswersTakenSerializer(serializers.Serializer[Any]):
    """What the workbook answered, or with `dry_run` would answer."""

    dry_run = serializers.BooleanField(help_text="Whether nothing was written.")
    statements = serializers.IntegerField(help_text="Statements it made: equal answers of many subjects are one.")
    subjects = serializers.IntegerField(help_text="Subjects they are about.")


class EstateWorkbookViewSet(ProjectViewSet):
    """Machines and applications as a workbook."""

    queryset = Machine.objects.all()
    serializer_class = FilledWorkbookSerializer
    filter_backends = ()

    @extend_schema(operation_id="estate_workbook", responses={(200, XLSX): OpenApiTypes.BINARY})
    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """What shall become of the machines and whom they serve, to be filled in."""
        return download(estate_workbook.estate_workbook(self.project), XLSX, "estate.xlsx")


class FilledEstateViewSet(ProjectViewSet):
    """The estate workbook, filled in."""

    queryset = Machine.objects.all()
    serializer_class = FilledWorkbookSerializer
    parser_classes = (MultiPartParser,)
    filter_backends = ()

    @extend_schema(
        request={"multipart/form-data": FilledWorkbookSerializer}, parameters=[DRY_RUN], responses={200: EstateTakenSerializer}
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take it back: all of it, or nothing with every wrong cell named."""
        dry_run = is_dry_run(request)
        taken = filled_estate.take(self.project, filled_file(request), dry_run=dry_run, actor=self.actor)
        told: Any = {
            "dry_run": dry_run,
            "applications_added": taken.applications_added,
            "applications_changed": taken.applications_changed,
            "machines_changed": taken.machines_changed,
            "changes": [{"sheet": sheet, "name": name, "what": what} for sheet, name, what in taken.changes],
        }
        return Response(EstateTakenSerializer(told).data)


class QuestionWorkbookViewSet(ProjectViewSet):
    """The open questions as a workbook."""

    queryset = Attestation.objects.all()
    serializer_class = FilledWorkbookSerializer
    filter_backends = ()

    @extend_schema(operation_id="attestations_workbook", responses={(200, XLSX): OpenApiTypes.BINARY})
    def list(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Every question that no source answers, to be answered."""
        return download(question_workbook.question_workbook(self.project), XLSX, "questions.xlsx")


class AnswersMixin:
    """Adds the way back to the viewset of attestations."""

    @extend_schema(
        request={"multipart/form-data": FilledWorkbookSerializer}, parameters=[DRY_RUN], responses={200: AnswersTakenSerializer}
    )
    @action(detail=False, methods=["post"], parser_classes=[MultiPartParser])
    def workbook(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take the answered questions back: all of them, or nothing with every wrong cell named."""
        view: Any = self
        dry_run = is_dry_run(request)
        statements, subjects = question_workbook.take(view.project, filled_file(request), dry_run=dry_run, actor=view.actor)
        told: Any = {"dry_run": dry_run, "statements": statements, "subjects": subjects}
        return Response(AnswersTakenSerializer(told).data)


def is_dry_run(request: Request) -> bool:
    return request.query_params.get("dry_run", "").lower() in {"true", "1", "yes"}


def filled_file(request: Request) -> Any:
    """The uploaded file. Raises: Invalid (none, empty, too large)."""
    asked = FilledWorkbookSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    file = asked.validated_data["file"]
    if file.size > SMALL.file_bytes:
        detail = f"The workbook has {file.size} bytes; {SMALL.file_bytes} are taken at most."
        raise Invalid(detail, errors=[{"field": "file", "code": "workbook_too_large", "detail": detail}])
    return file
