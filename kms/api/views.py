"""The views of KMS: each checks, validates, calls one service or selector and serialises."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kms import selectors
from kms.api.asked import AT, COLLECTED_AT, DAYS, MOVES_AT, WAVE, at_of, collected_at_of, days_of, moves_at_of
from kms.api.bodies import UPLOADS, UploadParser, body_of
from kms.api.plan_serializers import KmsPlanSerializer
from kms.api.serializers import (
    KmsClientSerializer,
    KmsCountSerializer,
    KmsForecastSerializer,
    KmsHostSerializer,
    KmsMachineSerializer,
    KmsReadingSerializer,
    KmsVerdictQuestionSerializer,
    KmsVerdictSerializer,
)
from kms.models import KmsHost
from kms.services.hosts import add_host, retire_host
from kms.work.take_upload import take_reading
from project.backbone.accounts import selectors as accounts
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ActorMixin, ProjectReadOnlyViewSet
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.models import Project


class KmsHostViewSet(ProjectReadOnlyViewSet):
    """KMS hosts of the project that are in use."""

    queryset = KmsHost.objects.filter(retired_at=None)
    serializer_class = KmsHostSerializer
    search_fields: ClassVar = ["name", "computer_name"]
    ordering_fields: ClassVar = ["name", "created_at"]
    filterset_fields: ClassVar = {"name": ["exact", "icontains"]}

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a KMS host; its readings are uploaded to it."""
        filled = KmsHostSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        host = add_host(self.project, **filled.validated_data, actor=self.actor)
        return Response(KmsHostSerializer(host).data, status=201)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Retire the host: it counts for nobody any more, its readings stay."""
        retire_host(self.get_object(), actor=self.actor)
        return Response(status=204)

    @extend_schema(responses=KmsReadingSerializer(many=True))
    @action(detail=True, methods=["get"], parser_classes=[UploadParser], filterset_fields=None, search_fields=())
    def readings(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The readings of this host, newest first."""
        page = self.paginate_queryset(selectors.readings(self.get_object()))
        return self.get_paginated_response(KmsReadingSerializer(page, many=True).data)

    @extend_schema(request=UPLOADS, parameters=[COLLECTED_AT], responses={202: JobSerializer})
    @readings.mapping.post
    def upload(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Upload what a KMS host says as the body (20 MB at most): the collection script's JSON, the text of `slmgr /dlv`, or the
        log Key Management Service as `.evtx` or CSV. What it is is found by its content; a job reads it."""
        job = take_reading(
            self.get_object(),
            body_of(request),
            collected_at=collected_at_of(request),
            actor=self.actor,
            idempotency_key=idempotency_key_of(request),
        )
        return accepted(job, request)

    @extend_schema(parameters=[AT], responses=KmsCountSerializer)
    @action(detail=True)
    def count(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What this host counts now, or counted at a moment of the past."""
        return Response(KmsCountSerializer(selectors.host_count(self.get_object(), at=at_of(request))).data)

    @extend_schema(parameters=[DAYS], responses=KmsForecastSerializer)
    @action(detail=True)
    def forecast(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The count day by day, if nothing is moved: who renews stays, who is silent is forgotten."""
        return Response(KmsForecastSerializer(selectors.host_forecast(self.get_object(), days=days_of(request))).data)

    @extend_schema(request=KmsPlanSerializer, responses=KmsForecastSerializer)
    @forecast.mapping.post
    def forecast_of_plan(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The count day by day under a plan of moves, departures and rebuilds. Asks only; changes nothing."""
        filled = KmsPlanSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        days = filled.validated_data["days"]
        return Response(KmsForecastSerializer(selectors.host_forecast(self.get_object(), days=days, plan=filled.plan())).data)

    @extend_schema(parameters=[AT], responses=KmsClientSerializer(many=True))
    @action(detail=True)
    def clients(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Everybody who asked this host in the last 30 days, by CMID."""
        clients = self.paginate_queryset(_listed(selectors.host_clients(self.get_object(), at=at_of(request))))
        return self.get_paginated_response(KmsClientSerializer(clients, many=True).data)


class KmsVerdictView(ActorMixin, APIView):
    """Whether KMS activation holds."""

    @extend_schema(parameters=[WAVE, MOVES_AT], responses=KmsVerdictSerializer, operation_id="kms_verdict_of_wave")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The verdict for the Windows machines of a wave, or without one for every client the project's hosts count today."""
        project = self._project()
        moves_at, wave_id = moves_at_of(request), request.query_params.get("wave", "")
        if wave_id:
            return Response(KmsVerdictSerializer(selectors.wave_verdict(project, wave_id=wave_id, moves_at=moves_at)).data)
        return Response(KmsVerdictSerializer(selectors.verdict(project, moves_at=moves_at)).data)

    @extend_schema(request=KmsVerdictQuestionSerializer, responses=KmsVerdictSerializer, operation_id="kms_verdict_of_machines")
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The verdict for Windows machines told here, in a plan or not. Asks only; changes nothing."""
        filled = KmsVerdictQuestionSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        machines = [KmsMachineSerializer.planned(fields) for fields in filled.validated_data["machines"]]
        moves_at = filled.validated_data.get("moves_at")
        return Response(KmsVerdictSerializer(selectors.verdict(self._project(), moves_at=moves_at, machines=machines)).data)

    def _project(self) -> Project:
        return accounts.project(self.kwargs["project_id"], actor=self.actor)


def _listed(clients: tuple[selectors.KnownClient, ...]) -> Any:
    """A plain list is one page; DRF's type wants a queryset."""
    return list(clients)
