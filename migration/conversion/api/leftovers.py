"""The API of what conversions left in a pool: a list first, then the removal of what it showed."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from migration.conversion.services import sweeping
from project.backbone.accounts import selectors as accounts
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ActorMixin
from project.backbone.api.strict import StrictMixin
from project.backbone.jobs.serializers import JobSerializer


class ListLeftoversSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    pool = serializers.UUIDField(help_text="Id of the pool to look through.")


class SweepSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    listing = serializers.UUIDField(help_text="Id of the job whose result is the list.")
    conversions = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        min_length=1,
        max_length=1000,
        help_text="Ids of conversions in it, at least one; without this member, all that were cancelled.",
    )


class LeftoversView(ActorMixin, APIView):
    @extend_schema(request=ListLeftoversSerializer, responses={202: JobSerializer}, operation_id="leftovers_list")
    def post(self, request: Request, project_id: Any) -> Response:
        """Look through a pool for everything with our tag; the job's result lists it and what may become of it."""
        project = accounts.project(project_id, actor=self.actor)
        asked = ListLeftoversSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        key = idempotency_key_of(request)
        job = sweeping.ask_list(project, pool_id=asked.validated_data["pool"], actor=self.actor, idempotency_key=key)
        return accepted(job, request)


class SweepView(ActorMixin, APIView):
    @extend_schema(request=SweepSerializer, responses={202: JobSerializer}, operation_id="leftovers_remove")
    def post(self, request: Request, project_id: Any) -> Response:
        """Remove what a list showed, if that may still be; the job's result says what went and what was refused."""
        project = accounts.project(project_id, actor=self.actor)
        asked = SweepSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data.get("conversions")
        named = None if wanted is None else [str(key) for key in wanted]
        key, listing = idempotency_key_of(request), asked.validated_data["listing"]
        job = sweeping.ask_sweep(project, listing=listing, conversion_ids=named, actor=self.actor, idempotency_key=key)
        return accepted(job, request)
