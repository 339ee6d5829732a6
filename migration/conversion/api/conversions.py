"""The API of conversions: list and read them with their disks and events, cancel and retry. Names as in the wire contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from migration.conversion.core.itinerary import title_of
from migration.conversion.models import Conversion, ConversionEvent, DiskCopy
from migration.conversion.services import lifecycle
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import StrictMixin, takes_no_body
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.models import Job


class DiskCopySerializer(serializers.ModelSerializer[DiskCopy]):
    """One disk; sizes are bytes of the virtual disk, `digest` is the hash of its block hashes as read from the source."""

    blocks_total = serializers.IntegerField(read_only=True, help_text="How many blocks of 2 MiB it has.")

    class Meta:
        model = DiskCopy
        fields: ClassVar = [
            "device_key", "label", "position", "sr_uuid", "vdi_uuid", "bytes_total", "bytes_copied", "bytes_sent", "bytes_zero",
            "durable_bytes", "digest", "copied_at", "verified", "verified_at", "compared", "blocks_compared",
            "blocks_total", "fault",
        ]  # fmt: skip


class ConversionSerializer(serializers.ModelSerializer[Conversion]):
    disks = DiskCopySerializer(many=True, read_only=True)
    step_title = serializers.SerializerMethodField()

    class Meta:
        model = Conversion
        fields: ClassVar = [
            "id", "wave_id", "machine_id", "pool_id", "name", "state", "step", "step_title", "target_vm_uuid", "boot_proof",
            "start_asked_at", "error", "job_id", "verify", "priority", "disks", "created_at", "updated_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.CharField())
    def get_step_title(self, row: Conversion) -> str:
        return title_of(row.step)


class ConversionEventSerializer(serializers.ModelSerializer[ConversionEvent]):
    class Meta:
        model = ConversionEvent
        fields: ClassVar = ["id", "at", "from_state", "to_state", "step", "message"]


class ConversionFilter(django_filters.FilterSet):
    class Meta:
        model = Conversion
        fields: ClassVar = {
            "state": ["exact", "in"],
            "wave_id": ["exact"],
            "machine_id": ["exact"],
            "name": ["exact", "icontains"],
        }


class GivingUpSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    discard_writes = serializers.BooleanField(
        default=False, help_text="Whether a VM that has run in the pool may be removed with what it wrote there."
    )


class ConversionViewSet(ProjectReadOnlyViewSet):
    """Conversions: one machine's way into a pool each."""

    queryset = Conversion.objects.all()
    serializer_class = ConversionSerializer
    filterset_class = ConversionFilter
    ordering_fields: ClassVar = ["created_at", "updated_at", "name", "state"]
    search_fields: ClassVar = ["name"]

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().prefetch_related("disks")

    @extend_schema(responses=ConversionEventSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], filterset_class=None)
    def events(self, request: Request, **kwargs: Any) -> Response:
        """What happened to this conversion, oldest first. With `Accept: text/event-stream`: `progress` events, one per change."""
        page = self.paginate_queryset(self.get_object().events.all())
        return self.get_paginated_response(ConversionEventSerializer(page, many=True).data)

    @extend_schema(request=GivingUpSerializer, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **kwargs: Any) -> Response:
        """Stop it for good and remove what it made in the pool, unless its VM has run. The source stays as it is."""
        return self._give_up(lifecycle.cancel, request)

    @extend_schema(request=GivingUpSerializer, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, **kwargs: Any) -> Response:
        """Take a failed conversion up again, unless its VM has run."""
        return self._give_up(lifecycle.retry, request)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def rollback(self, request: Request, **kwargs: Any) -> Response:
        """Stop its VM in the pool and block it, power its source on if it ran before. VM and disks are kept."""
        row, key = self.get_object(), idempotency_key_of(request)
        return accepted(lifecycle.roll_back(row, actor=self.actor, idempotency_key=key), request)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def finish(self, request: Request, **kwargs: Any) -> Response:
        """Take a failed machine whose VM runs in the pool for moved, if its source is off. Nothing is started."""
        row, key = self.get_object(), idempotency_key_of(request)
        return accepted(lifecycle.finish(row, actor=self.actor, idempotency_key=key), request)

    def _give_up(self, service: Callable[..., Job], request: Request) -> Response:
        row, key = self.get_object(), idempotency_key_of(request)
        asked = GivingUpSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        discard = asked.validated_data["discard_writes"]
        return accepted(service(row, actor=self.actor, discard_writes=discard, idempotency_key=key), request)
