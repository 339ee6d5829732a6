"""Viewset of sources: create, look, probe, confirm, collect."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from migration.inventory import selectors
from migration.inventory.api.serializers import (
    ConfirmSourceSerializer,
    NewSourceSerializer,
    SetWatchSerializer,
    SourceChangeSerializer,
    SourceSerializer,
    WorkbookSerializer,
)
from migration.inventory.models import Source
from migration.inventory.services import sources, watching, workbooks
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import takes_no_body
from project.backbone.jobs.serializers import JobSerializer

_FORM_BYTES = 4096  # what a form puts around its file


@extend_schema_view(retrieve=extend_schema(summary="One source"), list=extend_schema(summary="The project's sources"))
class SourceViewSet(ProjectReadOnlyViewSet):
    """Where facts come from: a vCenter, an ESXi host, an OVF package or a workbook of RVTools."""

    queryset = Source.objects.all()
    serializer_class = SourceSerializer
    filterset_fields: ClassVar = ["kind"]
    search_fields: ClassVar = ["endpoint__name", "endpoint__url", "name", "path"]
    ordering_fields: ClassVar = ["created_at"]

    def get_queryset(self) -> QuerySet[Source]:
        return super().get_queryset() if self.for_schema else selectors.sources(self.project)

    @extend_schema(request=NewSourceSerializer, responses={201: SourceSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a source; nothing is contacted yet. Probe a server next; collect a file at once."""
        asked = NewSourceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = {**asked.validated_data}
        values.setdefault("name", values["url"] or values["path"][-200:])
        source = sources.create_source(self.project, actor=self.actor, **values)
        return Response(SourceSerializer(source).data, status=201)

    @extend_schema(request=SourceChangeSerializer, responses=SourceSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change name, address, path or credentials."""
        asked = SourceChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        source = sources.change_source(self.get_object(), actor=self.actor, **asked.validated_data)
        return Response(SourceSerializer(source).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def probe(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Read certificates, version and missing rights; the certificates then wait for confirmation."""
        return accepted(sources.probe(self.get_object(), actor=self.actor, idempotency_key=idempotency_key_of(request)), request)

    @extend_schema(request=ConfirmSourceSerializer, responses=SourceSerializer)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Vouch for certificates the last probe showed: from now on only these are talked to."""
        asked = ConfirmSourceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        source = sources.confirm(self.get_object(), actor=self.actor, **asked.validated_data)
        return Response(SourceSerializer(source).data)

    @extend_schema(request={"multipart/form-data": WorkbookSerializer}, responses=SourceSerializer)
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser])
    def workbook(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Upload the workbook that RVTools exported; collect the source afterwards."""
        source = self.get_object()
        workbooks.require_room(int(request.META.get("CONTENT_LENGTH") or 0) - _FORM_BYTES)
        asked = WorkbookSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        file = asked.validated_data["file"]
        return Response(SourceSerializer(workbooks.keep(source, name=file.name, content=file, actor=self.actor)).data)

    @extend_schema(request=SetWatchSerializer, responses=SourceSerializer)
    @action(detail=True, methods=["post"])
    def watch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Keep its inventory fresh, or do so no more. It begins with a full reading."""
        asked = SetWatchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        watching.set_watch(self.get_object(), actor=self.actor, **asked.validated_data)
        return Response(SourceSerializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def collect(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a new inventory of the source."""
        return accepted(
            sources.collect(self.get_object(), actor=self.actor, idempotency_key=idempotency_key_of(request)), request
        )
