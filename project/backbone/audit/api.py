"""The audit log over HTTP: read it, and let the server verify its chain."""

from __future__ import annotations

from typing import Any, ClassVar

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.audit import selectors
from project.backbone.audit.models import AuditEntry


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    at = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = AuditEntry
        fields: ClassVar = [
            "id", "number", "at", "actor", "actor_id", "action", "subject", "before", "after", "previous_hash", "hash",
        ]  # fmt: skip


class ChainVerdictSerializer(serializers.Serializer[Any]):
    whole = serializers.BooleanField()
    entries = serializers.IntegerField()
    head = serializers.CharField()
    broken_at = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class AuditFilter(filters.FilterSet):
    since = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = AuditEntry
        fields: ClassVar = {"action": ["exact", "startswith"], "actor": ["exact"], "subject": ["exact", "icontains"]}


class AuditViewSet(ProjectReadOnlyViewSet):
    """What was changed in the project, by whom, in order."""

    queryset = AuditEntry.objects.order_by("number")
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilter
    search_fields: ClassVar = ["action", "subject", "actor"]
    ordering_fields: ClassVar = ["number", "action", "actor"]

    @extend_schema(responses=ChainVerdictSerializer, filters=False)
    @action(detail=False, pagination_class=None)
    def verify(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Whether no entry was changed, removed or put in between; keep `head` elsewhere to notice a rewritten end."""
        return Response(ChainVerdictSerializer(selectors.verify(self.project)).data)
