"""Waivers over HTTP: request, edit, approve by somebody else, withdraw."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.api.etags import EtagMixin
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import StrictMixin, takes_no_body
from project.backbone.clock import now
from project.backbone.waivers import services
from project.backbone.waivers.models import Waiver
from project.backbone.waivers.selectors import WaiverState, state_of


class WaiverSerializer(StrictMixin, serializers.ModelSerializer[Waiver]):
    state = serializers.SerializerMethodField()
    requested_by = serializers.CharField(source="requested_by.username", read_only=True)
    approved_by = serializers.CharField(source="approved_by.username", read_only=True, allow_null=True, default=None)
    withdrawn_by = serializers.CharField(source="withdrawn_by.username", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Waiver
        fields: ClassVar = [
            "id", "rule_id", "check_id", "subject", "reason", "expires_at", "state", "requested_by", "approved_by", "approved_at",
            "withdrawn_by", "withdrawn_at", "version", "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["id", "approved_at", "withdrawn_at", "version", "created_at"]

    @extend_schema_field(serializers.ChoiceField(choices=[state.value for state in WaiverState]))
    def get_state(self, waiver: Waiver) -> str:
        return state_of(waiver, now()).value


class WaiverChangeSerializer(StrictMixin, serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, max_length=2000)
    expires_at = serializers.DateTimeField(required=False)


class WaiverViewSet(EtagMixin, ProjectReadOnlyViewSet):
    """Accepted risks of the project."""

    queryset = Waiver.objects.select_related("requested_by", "approved_by", "withdrawn_by").order_by("-created_at")
    serializer_class = WaiverSerializer
    search_fields: ClassVar = ["rule_id", "check_id", "subject", "reason"]
    ordering_fields: ClassVar = ["created_at", "expires_at", "rule_id", "check_id", "subject"]
    filterset_fields: ClassVar = {"rule_id": ["exact"], "check_id": ["exact"], "subject": ["exact"]}

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        filled = WaiverSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        waiver = services.request_waiver(self.project, **filled.validated_data, actor=self.actor)
        return Response(WaiverSerializer(waiver).data, status=201)

    @extend_schema(request=WaiverChangeSerializer, responses=WaiverSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        waiver = self.get_object()
        filled = WaiverChangeSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        return Response(WaiverSerializer(services.edit_waiver(waiver, **filled.validated_data, actor=self.actor)).data)

    @extend_schema(request=None, responses=WaiverSerializer)
    @action(detail=True, methods=["post"])
    @takes_no_body
    def approve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Accept the risk as a second person who holds the right `approver`."""
        return Response(WaiverSerializer(services.approve_waiver(self.get_object(), actor=self.actor)).data)

    @extend_schema(request=None, responses=WaiverSerializer)
    @action(detail=True, methods=["post"])
    @takes_no_body
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End the waiver before its time."""
        return Response(WaiverSerializer(services.withdraw_waiver(self.get_object(), actor=self.actor)).data)
