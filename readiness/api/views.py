"""The views: pools, their readiness, evidence, and the catalogue of checks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.api.accepted import accepted
from project.backbone.api.downloads import download
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.parsers import WholeBodyParser
from project.backbone.api.scoping import ProjectReadOnlyViewSet, ProjectViewSet, ScopedViewSet
from project.backbone.api.strict import takes_no_body
from project.backbone.attachments import LARGEST_BYTES
from project.backbone.clock import now
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.problems import NotVisible
from readiness.api import serializers as shapes
from readiness.core.registry import CheckSpec, registered
from readiness.models import Evidence, Pool
from readiness.selectors import cases
from readiness.selectors import pools as pool_selectors
from readiness.selectors.evaluations import latest_evaluation
from readiness.services import attached_files
from readiness.services import evidence as evidence_services
from readiness.services import pools as services


class PoolViewSet(ProjectReadOnlyViewSet):
    """Target pools of the project."""

    queryset = Pool.objects.select_related("endpoint", "project").order_by("name")
    serializer_class = shapes.PoolSerializer
    search_fields: ClassVar = ["name", "endpoint__url"]
    ordering_fields: ClassVar = ["name", "created_at"]
    filterset_fields: ClassVar = {"ha_intent": ["exact"], "name": ["exact", "icontains"]}

    @extend_schema(request=shapes.NewPoolSerializer, responses={201: shapes.PoolSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a pool by the URL of its coordinator."""
        filled = shapes.NewPoolSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        pool = services.add_pool(self.project, **filled.validated_data, actor=self.actor)
        return Response(shapes.PoolSerializer(pool).data, status=201)

    @extend_schema(request=shapes.PoolChangeSerializer, responses=shapes.PoolSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a pool; another URL drops its confirmed certificates."""
        filled = shapes.PoolChangeSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        pool = services.update_pool(self.get_object(), changes=filled.validated_data, actor=self.actor)
        return Response(shapes.PoolSerializer(pool).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def probe(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Look at the pool's certificates (a job); confirm them next."""
        pool = self.get_object()
        return accepted(services.request_probe(pool, actor=self.actor, idempotency_key=idempotency_key_of(request)), request)

    @extend_schema(request=shapes.ConfirmSerializer, responses=shapes.PoolSerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Vouch for the certificates the last probe showed."""
        filled = shapes.ConfirmSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        pool = services.confirm_pool(self.get_object(), **filled.validated_data, actor=self.actor)
        return Response(shapes.PoolSerializer(pool).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def collect(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read the pool (a job)."""
        pool = self.get_object()
        return accepted(services.request_collect(pool, actor=self.actor, idempotency_key=idempotency_key_of(request)), request)

    @extend_schema(responses=shapes.PoolFactsSerializer)
    @action(detail=True, methods=["get"])
    def facts(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest reading."""
        return Response(shapes.PoolFactsSerializer(pool_selectors.required_inventory(self.get_object().id)).data)

    @extend_schema(responses=shapes.DriftSerializer)
    @action(detail=True, methods=["get"])
    def drift(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What is no longer as it was tested."""
        return Response(shapes.DriftSerializer(asdict(cases.drift(self.get_object().id, now()))).data)

    @extend_schema(responses={(200, "image/svg+xml"): OpenApiResponse(OpenApiTypes.STR, description="The pool, drawn.")})
    @action(detail=True, methods=["get"])
    def drawing(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The pool drawn: hosts, bonds, switches, heartbeat paths."""
        return HttpResponse(cases.pool_drawing(self.get_object().id, now()), content_type="image/svg+xml")


class OfPoolMixin:
    """What hangs below one pool of the project: another project's pool is 404."""

    def the_pool(self) -> Pool:
        return pool_selectors.pool_of_project(self.project, self.kwargs["pool_id"])  # type: ignore[attr-defined]  # the viewset's


class ReadinessViewSet(OfPoolMixin, ProjectViewSet):
    """The verdict on one pool."""

    queryset = Pool.objects.all()
    serializer_class = shapes.EvaluationSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(responses=shapes.EvaluationSerializer)
    def latest(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest verdict with every check and simulated fault."""
        found = latest_evaluation(self.the_pool().id)
        if found is None:
            raise NotVisible(detail="This pool has not been evaluated yet.")
        return Response(shapes.EvaluationSerializer(found).data)

    @extend_schema(request=shapes.EvaluateSerializer, responses={202: JobSerializer})
    def evaluate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Judge the pool now (a job), on freshly read facts unless `collect` is false."""
        filled = shapes.EvaluateSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        key = idempotency_key_of(request)
        job = services.request_evaluation(self.the_pool(), **filled.validated_data, actor=self.actor, idempotency_key=key)
        return accepted(job, request)


class AttachmentParser(WholeBodyParser):
    """A file's bytes."""

    limit_bytes = LARGEST_BYTES


class EvidenceViewSet(OfPoolMixin, ProjectReadOnlyViewSet):
    """What people attest about one pool. Rows are never edited; one is taken back by withdrawing it."""

    queryset = Evidence.objects.select_related("recorded_by", "withdrawn_by_row", "file", "pool__project").order_by("-created_at")
    serializer_class = shapes.EvidenceSerializer
    project_lookup = "pool__project"
    search_fields: ClassVar = ["kind", "subject", "who", "storage_node"]
    ordering_fields: ClassVar = ["created_at", "tested_at", "kind"]
    filterset_fields: ClassVar = {"kind": ["exact"], "subject": ["exact"], "storage_node": ["exact"]}

    def get_queryset(self) -> QuerySet[Evidence]:
        rows = super().get_queryset()
        return rows if self.for_schema else rows.filter(pool=self.the_pool())

    @extend_schema(request=shapes.NewEvidenceSerializer, responses={201: shapes.EvidenceSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Record what was tested or seen, by whom and when."""
        filled = shapes.NewEvidenceSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        row = evidence_services.record_evidence(self.the_pool(), **filled.validated_data, actor=self.actor)
        return Response(shapes.EvidenceSerializer(row).data, status=201)

    @extend_schema(request=shapes.WithdrawSerializer, responses={201: shapes.EvidenceSerializer})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take an attestation back, with a reason."""
        filled = shapes.WithdrawSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        row = evidence_services.withdraw_evidence(self.get_object(), **filled.validated_data, actor=self.actor)
        return Response(shapes.EvidenceSerializer(row).data, status=201)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"], parser_classes=[AttachmentParser])
    def file(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The file that the evidence names, to be saved."""
        evidence = self.get_object()
        row, content = attached_files.read(evidence)
        return download(content, row.content_type, evidence.attachment["name"])

    @extend_schema(request={"application/octet-stream": OpenApiTypes.BINARY}, responses={201: shapes.EvidenceSerializer})
    @file.mapping.post
    def store_file(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Hand the file in that the evidence names: its bytes as the body, 20 MiB at most, checked against its SHA-256."""
        body = request.data if isinstance(request.data, bytes) else b""
        attached_files.attach(self.get_object(), body, actor=self.actor)
        return Response(shapes.EvidenceSerializer(self.get_object()).data, status=201)


class CheckViewSet(ListModelMixin, ScopedViewSet):
    """The catalogue of readiness checks."""

    serializer_class = shapes.CheckSpecSerializer
    filter_backends = ()

    def get_queryset(self) -> tuple[CheckSpec, ...]:  # type: ignore[override]  # a catalogue kept in code is one page
        return registered()
