"""Applications over HTTP: create, list, change, delete."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from migration.inventory import selectors
from migration.inventory.models import Application, Criticality
from migration.inventory.services import applications
from project.backbone.api.etags import EtagMixin
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import StrictMixin


class ApplicationSerializer(serializers.ModelSerializer[Application]):
    """What machines are for. `criticality` is empty and `rto_s` null where nobody said."""

    owner = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="Who answers for it.")
    criticality = serializers.ChoiceField(choices=Criticality.values, required=False, allow_blank=True)
    rto_s = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, help_text="Seconds until it must run again; null where nobody said."
    )
    depends_on = serializers.SerializerMethodField(help_text="Ids of the applications it cannot run without.")
    machines = serializers.IntegerField(source="machine_count", read_only=True, help_text="How many machines serve it.")
    in_cycle = serializers.SerializerMethodField(help_text="It needs itself by way of others: they move together.")

    class Meta:
        model = Application
        fields: ClassVar = [
            "id", "name", "owner", "criticality", "rto_s", "depends_on", "note", "machines", "in_cycle", "version", "created_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_depends_on(self, row: Application) -> list[UUID]:
        return [needed.id for needed in row.depends_on.all()]

    def get_in_cycle(self, row: Application) -> bool:
        return row.id in self.context["in_cycles"]


class ApplicationChangeSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """What is left out stays as it is; `depends_on` is replaced as a whole."""

    name = serializers.CharField(max_length=200, required=False)
    owner = serializers.CharField(max_length=200, required=False, allow_blank=True)
    criticality = serializers.ChoiceField(choices=Criticality.values, required=False, allow_blank=True)
    rto_s = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=applications.LONGEST_RTO_S)
    depends_on = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=1000)
    note = serializers.CharField(max_length=2000, required=False, allow_blank=True)


class NewApplicationSerializer(ApplicationChangeSerializer):
    """Only the name is needed."""

    name = serializers.CharField(max_length=200)


class ApplicationFilter(filters.FilterSet):
    name = filters.CharFilter()
    name__icontains = filters.CharFilter(field_name="name", lookup_expr="icontains")
    owner = filters.CharFilter()
    criticality = filters.ChoiceFilter(choices=Criticality.choices)
    rto_s__lte = filters.NumberFilter(field_name="rto_s", lookup_expr="lte", label="To be back within these seconds")
    depends_on = filters.UUIDFilter(field_name="depends_on__id", label="Needs this application")

    class Meta:
        model = Application
        fields: ClassVar[list[str]] = []


class ApplicationViewSet(EtagMixin, ProjectReadOnlyViewSet):
    """The project's applications: owner, criticality, recovery time, dependencies."""

    queryset = Application.objects.all()
    serializer_class = ApplicationSerializer
    filterset_class = ApplicationFilter
    search_fields: ClassVar = ["name", "owner", "note"]
    ordering_fields: ClassVar = ["name", "owner", "rto_s", "created_at"]

    def get_queryset(self) -> QuerySet[Application]:
        return super().get_queryset() if self.for_schema else selectors.applications(self.project)

    def get_serializer_context(self) -> dict[str, Any]:
        in_cycles = set() if self.for_schema else selectors.applications_in_cycles(self.project)
        return {**super().get_serializer_context(), "in_cycles": in_cycles}

    @extend_schema(request=NewApplicationSerializer, responses={201: ApplicationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add an application."""
        asked = NewApplicationSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = applications.create_application(self.project, actor=self.actor, **asked.validated_data)
        return Response(self._shown(row), status=201)

    @extend_schema(request=ApplicationChangeSerializer, responses=ApplicationSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what is given."""
        row = self.get_object()
        asked = ApplicationChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(self._shown(applications.change_application(row, actor=self.actor, **asked.validated_data)))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete it. Its machines then serve none, and nothing needs it any more."""
        applications.delete_application(self.get_object(), actor=self.actor)
        return Response(status=204)

    def _shown(self, row: Application) -> dict[str, Any]:
        shown: dict[str, Any] = self.get_serializer(self.get_queryset().get(pk=row.pk)).data
        return shown
