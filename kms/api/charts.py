"""The chart of one KMS host: as a drawing, and as the table that says the same."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kms import selectors
from kms.api.asked import MOVES_AT, WAVE, moves_at_of
from kms.core.chart import Chart, draw, rows
from kms.selectors.charts import host_chart
from project.backbone.accounts import selectors as accounts
from project.backbone.api.scoping import ActorMixin
from project.backbone.clock import now


class KmsWaveMarkSerializer(serializers.Serializer[Any]):
    """A wave at the moment it moves or moved."""

    at = serializers.DateTimeField()
    name = serializers.CharField()


class KmsTimelineRowSerializer(serializers.Serializer[Any]):
    """One day on which something is different from the day before; null where it is not known or not of that kind."""

    at = serializers.DateTimeField()
    observed = serializers.IntegerField(allow_null=True, help_text="What the host itself said; null on other days.")
    modelled = serializers.IntegerField(allow_null=True, help_text="What its log replays to; null where no log tells.")
    at_least = serializers.BooleanField(help_text="Whether the log is too short for more than a lower bound of `modelled`.")
    lower = serializers.IntegerField(allow_null=True, help_text="The forecast at worst; null for the past.")
    upper = serializers.IntegerField(allow_null=True, help_text="The forecast at best; null for the past.")
    waves = serializers.ListField(child=serializers.CharField(), help_text="Names of the waves that move on this day.")


class KmsTimelineSerializer(serializers.Serializer[Any]):
    """A host's count over time: 45 days back, and as far ahead as the wave's move needs."""

    host_name = serializers.CharField()
    at = serializers.DateTimeField()
    begin = serializers.DateTimeField(help_text="Where the timeline begins.")
    end = serializers.DateTimeField(help_text="Where the forecast ends.")
    cap = serializers.IntegerField(help_text="What the host remembers at most; 0 while nobody asked.")
    summary = serializers.CharField(help_text="The timeline in one sentence.")
    waves = KmsWaveMarkSerializer(many=True, help_text="Waves that moved in this time, and the one asked about.")
    rows = KmsTimelineRowSerializer(many=True, help_text="The days on which something changes.")


class _OfHost(ActorMixin, APIView):
    """A view of one host of a project the actor sees."""

    def chart(self, request: Request, project_id: UUID, host_id: UUID) -> Chart:
        """The chart asked for. Raises: NotVisible, Invalid, Conflict `machine_gone`."""
        host = selectors.host(accounts.project(project_id, actor=self.actor), host_id)
        wave_id = request.query_params.get("wave", "")
        return host_chart(host, at=now(), wave_id=wave_id, moves_at=moves_at_of(request))


class KmsTimelineView(_OfHost):
    """The chart as a table."""

    @extend_schema(parameters=[WAVE, MOVES_AT], responses=KmsTimelineSerializer, operation_id="kms_host_timeline")
    def get(self, request: Request, project_id: UUID, host_id: UUID, **kwargs: Any) -> Response:
        """The count over time, day by day where it changes: observed, modelled and projected, with the waves."""
        chart = self.chart(request, project_id, host_id)
        told = {name: getattr(chart, name) for name in ("host_name", "at", "begin", "end", "cap", "summary", "waves")}
        return Response(KmsTimelineSerializer(told | {"rows": [asdict(row) for row in rows(chart)]}).data)


class KmsDrawingView(_OfHost):
    """The chart as a drawing."""

    @extend_schema(
        parameters=[WAVE, MOVES_AT],
        responses={(200, "image/svg+xml"): OpenApiResponse(OpenApiTypes.STR, description="The count over time, drawn.")},
        operation_id="kms_host_drawing",
    )
    def get(self, request: Request, project_id: UUID, host_id: UUID, **kwargs: Any) -> HttpResponse:
        """The count over time, drawn; `timeline` says the same in figures."""
        return HttpResponse(draw(self.chart(request, project_id, host_id)), content_type="image/svg+xml")
