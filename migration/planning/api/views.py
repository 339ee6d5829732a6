"""Viewsets of planning: check, call one service or selector, answer."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from migration.planning import selectors
from migration.planning.api.serializers import (
    GapsSerializer,
    MappingSerializer,
    NewPlanSerializer,
    PlanDifferenceSerializer,
    PlanSerializer,
    SuggestionSerializer,
    WaveSerializer,
)
from migration.planning.core.compare import compare
from migration.planning.core.states import PlanState
from migration.planning.models import Mapping, Plan, PlannedMachine, Wave
from migration.planning.services import mappings, plans
from project.backbone.api.accepted import accepted
from project.backbone.api.etags import EtagMixin
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import takes_no_body
from project.backbone.clock import now
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.problems import Invalid, NotVisible

POOL = OpenApiParameter("pool", OpenApiTypes.UUID, description="Another pool than the mapping's own")


class MappingViewSet(EtagMixin, ProjectReadOnlyViewSet):
    """Mappings from source names to names of a pool."""

    queryset = Mapping.objects.all()
    serializer_class = MappingSerializer
    filterset_fields: ClassVar = ["name", "pool_id"]
    search_fields: ClassVar = ["name"]
    ordering_fields: ClassVar = ["name", "created_at"]

    @extend_schema(request=MappingSerializer, responses={201: MappingSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A new mapping; what is left out can be filled in later."""
        asked = MappingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = {"name": f"Mapping of {now():%Y-%m-%d %H:%M:%S}", **asked.validated_data}
        return Response(MappingSerializer(mappings.create_mapping(self.project, actor=self.actor, **values)).data, status=201)

    @extend_schema(request=MappingSerializer, responses=MappingSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace what is given; a table is replaced as a whole."""
        row = self.get_object()
        asked = MappingSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        return Response(MappingSerializer(mappings.change_mapping(row, actor=self.actor, **asked.validated_data)).data)

    @extend_schema(parameters=[POOL], responses=SuggestionSerializer)
    @action(detail=True, methods=["get"])
    def suggest(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Proposals for everything the machines that shall move use."""
        found = mappings.suggestion_for(self.get_object(), pool_id=_id_in(request, "pool"), actor=self.actor)
        return Response(SuggestionSerializer(found).data)

    @extend_schema(parameters=[POOL], responses=GapsSerializer)
    @action(detail=True, methods=["get"])
    def gaps(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What the mapping still lacks for the machines that shall move."""
        found = mappings.gaps_of(self.get_object(), pool_id=_id_in(request, "pool"), actor=self.actor)
        return Response(GapsSerializer({"complete": not found, "gaps": found}).data)


class PlanViewSet(EtagMixin, ProjectReadOnlyViewSet):
    """Plans with their waves, the why, and who stays behind."""

    queryset = Plan.objects.all()
    serializer_class = PlanSerializer
    filterset_fields: ClassVar = ["kind", "state", "pool_id"]
    search_fields: ClassVar = ["name"]
    ordering_fields: ClassVar = ["created_at", "name"]

    def get_queryset(self) -> QuerySet[Plan]:
        return super().get_queryset() if self.for_schema else selectors.plans_with_machines(self.project)

    @extend_schema(request=NewPlanSerializer, responses={202: JobSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a plan; the job's result names it and its waves."""
        asked = NewPlanSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        machines = values.get("machines")
        wanted = plans.PlanRequest(
            kind=values["kind"],
            pool_id=values["pool"],
            mapping_id=values["mapping"],
            machine_ids=None if machines is None else tuple(machines),
            name=values.get("name", f"{values['kind'].capitalize()} plan"),
            constraints=values.get("constraints", {}),
        )
        return accepted(plans.ask(self.project, wanted, actor=self.actor, idempotency_key=idempotency_key_of(request)), request)

    @extend_schema(request=None, responses=PlanSerializer)
    @action(detail=True, methods=["post"])
    @takes_no_body
    def approve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Freeze the plan; the approver is not the person who made it."""
        plan = plans.approve(self.get_object(), actor=self.actor)
        return Response(PlanSerializer(self.get_queryset().get(pk=plan.pk)).data)

    @extend_schema(parameters=[OpenApiParameter("other", OpenApiTypes.UUID, required=True)], responses=PlanDifferenceSerializer)
    @action(detail=True, methods=["get"])
    def compare(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What changes from the plan `other` to this one."""
        wanted = _id_in(request, "other")
        other = None if wanted is None else selectors.plans(self.project).filter(pk=wanted).first()
        if other is None:
            raise NotVisible("plan to compare with")
        return Response(PlanDifferenceSerializer(_difference(other, self.get_object())).data)


def _difference(old: Plan, new: Plan) -> dict[str, Any]:
    before, after = selectors.places(old), selectors.places(new)
    found = compare(before, after)
    sides = {"added": (found.added, after), "removed": (found.removed, before), "moved": (found.moved, after)}
    return {"other": old.id} | {
        key: [{"vm": machine, "name": side[machine].name} for machine in machines] for key, (machines, side) in sides.items()
    }


class WaveFilter(filters.FilterSet):
    plan = filters.UUIDFilter(field_name="plan_id")
    plan_state = filters.ChoiceFilter(field_name="plan__state", choices=[(state.value, state.value) for state in PlanState])


class WaveViewSet(ProjectReadOnlyViewSet):
    """Waves of the project's plans. What is done with a wave hangs below its id and belongs to the cutover."""

    queryset = Wave.objects.all()
    serializer_class = WaveSerializer
    project_lookup = "plan__project"
    filterset_class = WaveFilter
    ordering_fields: ClassVar = ["created_at", "number"]

    def get_queryset(self) -> QuerySet[Wave]:
        if self.for_schema:
            return super().get_queryset()
        machines = Prefetch("machines", PlannedMachine.objects.order_by("position"))
        return selectors.waves(self.project).prefetch_related(machines).order_by("-created_at")


def _id_in(request: Request, name: str) -> UUID | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        detail = f"{name} must be an id (a UUID)."
        raise Invalid(detail, errors=[{"field": name, "code": "not_an_id", "detail": detail}]) from None
