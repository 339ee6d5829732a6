"""Identity questions over HTTP: which machine a VM is, where ids alone do not decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from migration.inventory import selectors
from migration.inventory.models import IdentityQuestion
from migration.inventory.selectors import Resemblance
from migration.inventory.services import identity
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import StrictMixin
from project.backbone.models import Project


class ResemblanceSerializer(serializers.Serializer[Resemblance]):
    """What tells one machine from another; what nobody read is left out."""

    id = serializers.UUIDField(help_text="Id of the machine.")
    name = serializers.CharField()
    source_name = serializers.CharField()
    host_name = serializers.CharField(help_text="The guest's own name; empty where nobody read it.")
    bios_uuid = serializers.CharField(help_text="SMBIOS UUID; empty where nobody read it.")
    mac_addresses = serializers.ListField(child=serializers.CharField())
    disk_bytes = serializers.ListField(child=serializers.IntegerField(), help_text="Capacity of each disk that was read.")
    collected_at = serializers.DateTimeField(allow_null=True)


class IdentityQuestionSerializer(serializers.ModelSerializer[IdentityQuestion]):
    """A VM of one source, the machine it counts as for now, and the machines it may be."""

    source_name = serializers.CharField(source="source.__str__")
    machine = serializers.SerializerMethodField(help_text="What it counts as for now, or was answered to be.")
    candidates = serializers.SerializerMethodField(help_text="The machines with the same instance UUID that it may be.")

    class Meta:
        model = IdentityQuestion
        fields: ClassVar = [
            "id", "source", "source_name", "native_id", "machine", "candidates", "answer", "answered_at", "answered_by_name",
            "created_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    @extend_schema_field(ResemblanceSerializer)
    def get_machine(self, row: IdentityQuestion) -> Any:
        return ResemblanceSerializer(self.context["machines"][row.machine_id]).data

    @extend_schema_field(ResemblanceSerializer(many=True))
    def get_candidates(self, row: IdentityQuestion) -> Any:
        known = (self.context["machines"].get(UUID(each)) for each in row.candidates)
        return [ResemblanceSerializer(each).data for each in known if each is not None]


class IdentityAnswerSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    machine = serializers.UUIDField(allow_null=True, help_text="Id of the candidate it is; null: it is a machine of its own.")


class IdentityQuestionFilter(filters.FilterSet):
    open = filters.BooleanFilter(field_name="answered_at", lookup_expr="isnull", label="Not answered yet")
    source = filters.UUIDFilter(field_name="source_id")

    class Meta:
        model = IdentityQuestion
        fields: ClassVar[list[str]] = []


class IdentityQuestionViewSet(ProjectReadOnlyViewSet):
    """VMs that may be a machine another source shows. Until somebody answers, they count as machines of their own."""

    queryset = IdentityQuestion.objects.all()
    serializer_class = IdentityQuestionSerializer
    filterset_class = IdentityQuestionFilter
    search_fields: ClassVar = ["native_id", "machine__name"]
    ordering_fields: ClassVar = ["created_at", "answered_at"]

    def get_queryset(self) -> QuerySet[IdentityQuestion]:
        return super().get_queryset() if self.for_schema else selectors.identity_questions(self.project)

    @extend_schema(responses=IdentityQuestionSerializer(many=True))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The project's questions of identity, answered or not."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        return self.get_paginated_response(_shown(self.project, page))

    @extend_schema(responses=IdentityQuestionSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One question with what tells the machines apart."""
        return Response(_shown(self.project, [self.get_object()])[0])

    @extend_schema(request=IdentityAnswerSerializer, responses=IdentityQuestionSerializer)
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say which machine it is. Joined machines are assessed again."""
        asked = IdentityAnswerSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = identity.answer(self.get_object(), same_as=asked.validated_data["machine"], actor=self.actor)
        return Response(_shown(self.project, [row])[0])


def _shown(project: Project, rows: Sequence[IdentityQuestion]) -> list[dict[str, Any]]:
    machines = selectors.resemblances(project, rows)
    return [dict(each) for each in IdentityQuestionSerializer(rows, many=True, context={"machines": machines}).data]
