"""The API of how a project's conversions are run: budgets of streams, bandwidth by time of day, verify policy."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from migration.conversion.core.bandwidth import DAYS, SLOWEST_BYTES_PER_S
from migration.conversion.core.running import FASTEST_BYTES_PER_S, MOST_DISKS_AT_ONCE, MOST_LANES, MOST_WINDOWS
from migration.conversion.models import RunningSettings
from migration.conversion.selectors import running_settings
from migration.conversion.services import running
from project.backbone.accounts import selectors as accounts
from project.backbone.api.etags import EtagMixin, require_match
from project.backbone.api.scoping import ActorMixin
from project.backbone.api.strict import StrictMixin


def _streams(of_what: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1, max_value=MOST_LANES, required=False, help_text=f"So many disks may be copied {of_what} at a time."
    )


class WindowSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """A limit of bytes sent to a pool, and read back from it, at some times of day. Where several hold, the smallest counts."""

    bytes_per_s = serializers.IntegerField(
        min_value=SLOWEST_BYTES_PER_S,
        max_value=FASTEST_BYTES_PER_S,
        help_text="Shared by all that copies to the pool at the time.",
    )
    days = serializers.ListField(
        child=serializers.ChoiceField(choices=DAYS), required=False, help_text="Days it begins on; all when not given."
    )
    pool = serializers.UUIDField(required=False, help_text="Id of the pool; each pool by itself when not given.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of the language, so these two are no attributes."""
        begins, ends = "HH:MM; midnight when not given.", "HH:MM; may lie before `from`: then it runs over midnight."
        return {
            **super().get_fields(),
            "from": serializers.CharField(required=False, max_length=5, help_text=begins),
            "to": serializers.CharField(required=False, max_length=5, help_text=ends),
        }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """As it is stored: a pool's id as text."""
        attrs = super().to_internal_value(data)
        return {name: str(value) if name == "pool" else value for name, value in attrs.items()}


class RunningSerializer(StrictMixin, serializers.ModelSerializer[RunningSettings]):
    """How conversions of the project are run."""

    verify = serializers.CharField(
        max_length=20,
        required=False,
        help_text="`full`, `off` or `sampled N %`: how much of a disk is read back and compared, in waves begun from now on.",
    )
    per_source_host = _streams("from one host of a source")
    per_datastore = _streams("from one datastore")
    per_pool_host = _streams("through one host of a pool")
    per_sr = _streams("into one SR")
    disks_at_once = serializers.IntegerField(
        min_value=1,
        max_value=MOST_DISKS_AT_ONCE,
        required=False,
        help_text="So many disks of one machine are copied at a time, where the budgets have room.",
    )
    per_worker = serializers.SerializerMethodField(help_text="So many machines copy in one worker; XENBOUND_SLOTS_DISKS.")
    time_zone = serializers.CharField(max_length=64, required=False, help_text="Of the times below, such as Europe/Berlin.")
    bandwidth = serializers.ListField(
        child=WindowSerializer(), max_length=MOST_WINDOWS, required=False, help_text="Limits by time of day; none when empty."
    )

    class Meta:
        model = RunningSettings
        fields: ClassVar = [
            "verify", "per_source_host", "per_datastore", "per_pool_host", "per_sr", "disks_at_once", "per_worker", "time_zone",
            "bandwidth", "version",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["version"]

    @extend_schema_field(serializers.IntegerField())
    def get_per_worker(self, _row: RunningSettings) -> int:
        return settings.JOBS_SLOTS["disks"]


class RunningView(EtagMixin, ActorMixin, APIView):
    """How conversions of one project are run."""

    @extend_schema(responses=RunningSerializer, operation_id="running_read")
    def get(self, request: Request, project_id: Any) -> Response:
        """Budgets, bandwidth and verify policy; the defaults until somebody changes them."""
        project = accounts.project(project_id, actor=self.actor)
        return Response(RunningSerializer(running_settings(project)).data)

    @extend_schema(request=RunningSerializer, responses=RunningSerializer, operation_id="running_change")
    def patch(self, request: Request, project_id: Any) -> Response:
        """Change what is given; needs the role admin. Bandwidth holds at once, budgets for what starts from now on."""
        project = accounts.project(project_id, actor=self.actor)
        seen = running_settings(project)
        require_match(request, seen.version)
        asked = RunningSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        return Response(RunningSerializer(running.change(project, seen=seen, actor=self.actor, **asked.validated_data)).data)
