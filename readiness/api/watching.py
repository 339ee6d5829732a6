"""The watch of a pool and its alarms over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.api.scoping import ProjectReadOnlyViewSet, ProjectViewSet
from project.backbone.api.strict import StrictMixin
from project.backbone.problems import NotVisible
from readiness.api.views import OfPoolMixin
from readiness.core.losses import LossKind
from readiness.models import Pool, PoolAlarm, PoolWatch
from readiness.selectors import watches
from readiness.services import alarms, watching


class SetPoolWatchSerializer(StrictMixin, serializers.Serializer[Any]):
    enabled = serializers.BooleanField(help_text="Whether the pool is looked at all the time.")


class PoolWatchSerializer(serializers.ModelSerializer[PoolWatch]):
    """Whether a pool is watched, and how its last look went."""

    compared_with = serializers.UUIDField(
        source="baseline_id", read_only=True, allow_null=True, help_text="The evaluation that looks are compared with."
    )

    class Meta:
        model = PoolWatch
        fields: ClassVar = ["enabled", "message", "looked_at", "judged_at", "missing_since", "compared_with"]
        extra_kwargs: ClassVar = {
            "enabled": {"help_text": "Whether the pool is looked at all the time."},
            "message": {"help_text": "What the last look came to, in words."},
            "looked_at": {"help_text": "When a host of the pool last answered a look."},
            "judged_at": {"help_text": "When the pool was last read and judged by its watch."},
            "missing_since": {"help_text": "Since when no host answers; null while one does."},
        }


class PoolAlarmSerializer(serializers.ModelSerializer[PoolAlarm]):
    """One thing that a watched pool lost."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in LossKind], help_text="What was lost.")
    checks = serializers.ListField(child=serializers.CharField(), help_text="Ids of the checks that turned worse with it.")
    accepted_by = serializers.CharField(
        source="accepted_by.username", read_only=True, allow_null=True, default=None, help_text="Who said that it stays so."
    )

    class Meta:
        model = PoolAlarm
        fields: ClassVar = [
            "id", "kind", "path", "before", "after", "detail", "checks", "compared_with", "found_by", "opened_at", "closed_at",
            "closed_because", "accepted_by",
        ]  # fmt: skip
        extra_kwargs: ClassVar = {
            "path": {"help_text": "Which fact, as `class[uuid].field`."},
            "before": {"help_text": "What it was."},
            "after": {"help_text": "What it is; followed while the alarm is open."},
            "detail": {"help_text": "What that means, in one sentence."},
            "compared_with": {"help_text": "Id of the evaluation it was compared with."},
            "found_by": {"help_text": "Id of the evaluation that found it; null where the pool could not be read."},
            "opened_at": {"help_text": "When it was found."},
            "closed_at": {"help_text": "When it was over or accepted; null while it is open."},
            "closed_because": {"help_text": "Why it is closed."},
        }


class AcceptSerializer(StrictMixin, serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, help_text="Why the pool stays as it is now.")


class PoolWatchViewSet(OfPoolMixin, ProjectViewSet):
    """The watch of one pool."""

    queryset = Pool.objects.all()
    serializer_class = PoolWatchSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(responses=PoolWatchSerializer)
    def show(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Whether the pool is watched, and how its last look went."""
        watch = watches.watch_of(self.the_pool())
        if watch is None:
            raise NotVisible(detail="Nobody has asked for a watch of this pool yet.")
        return Response(PoolWatchSerializer(watch).data)

    @extend_schema(request=SetPoolWatchSerializer, responses=PoolWatchSerializer)
    def switch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Switch the watch on or off."""
        filled = SetPoolWatchSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        watch = watching.set_watch(self.the_pool(), **filled.validated_data, actor=self.actor)
        return Response(PoolWatchSerializer(watch).data)


class PoolAlarmViewSet(OfPoolMixin, ProjectReadOnlyViewSet):
    """What a watched pool has lost, and when it was back."""

    queryset = PoolAlarm.objects.select_related("accepted_by").order_by("-opened_at")
    serializer_class = PoolAlarmSerializer
    project_lookup = "pool__project"
    search_fields: ClassVar = ["path", "detail"]
    ordering_fields: ClassVar = ["opened_at", "closed_at", "kind"]
    filterset_fields: ClassVar = {"kind": ["exact"], "closed_at": ["isnull"]}

    def get_queryset(self) -> QuerySet[PoolAlarm]:
        rows = super().get_queryset()
        return rows if self.for_schema else rows.filter(pool=self.the_pool())

    @extend_schema(request=AcceptSerializer, responses=PoolAlarmSerializer(many=True), filters=False)
    @action(detail=False, methods=["post"], pagination_class=None)
    def accept(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say that the pool stays as it is: its open alarms close, and later looks are compared with this state."""
        filled = AcceptSerializer(data=request.data)
        filled.is_valid(raise_exception=True)
        closed = alarms.accept(self.the_pool(), **filled.validated_data, actor=self.actor)
        return Response(PoolAlarmSerializer(closed, many=True).data)
