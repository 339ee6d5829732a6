"""The API of batches: one request for up to a thousand conversions, its progress, and another try for what failed."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from migration.conversion.core.itinerary import title_of
from migration.conversion.core.verifying import policy_from
from migration.conversion.selectors import Conversion
from migration.cutover import selectors
from migration.cutover.core.batch import MOST_CONVERSIONS, MOST_PARALLEL, BatchState
from migration.cutover.models import Batch
from migration.cutover.services import batches
from project.backbone.api.accepted import accepted
from project.backbone.api.idempotency import idempotency_key_of
from project.backbone.api.scoping import ProjectReadOnlyViewSet
from project.backbone.api.strict import StrictMixin, takes_no_body
from project.backbone.clock import now
from project.backbone.jobs.serializers import ErrorSerializer, JobSerializer

LONGEST_NAME = 500


class WantedConversionSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """One machine, and what it gets instead of the mapping's answer."""

    vm = serializers.UUIDField(help_text="Id of the machine; see /machines.")
    sr = serializers.CharField(
        max_length=LONGEST_NAME, required=False, allow_blank=True, help_text="SR of the pool for all its disks, by name or uuid."
    )
    networks = serializers.DictField(
        child=serializers.CharField(max_length=LONGEST_NAME),
        required=False,
        help_text="Source network to network of the pool, by name, for this machine alone.",
    )
    name = serializers.CharField(
        max_length=LONGEST_NAME, required=False, allow_blank=True, help_text="Its name in the pool; the source's when not given."
    )


class BatchOptionsSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """How the batch is run."""

    parallel = serializers.IntegerField(
        min_value=1, max_value=MOST_PARALLEL, required=False, help_text="So many of its machines are at work at a time."
    )
    priority = serializers.IntegerField(
        min_value=-100,
        max_value=100,
        required=False,
        help_text="Machines of a higher priority copy before others; 0 when not given.",
    )
    verify = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        help_text="`full`, `off`, or `sampled N %`: how much is read back and compared; the project's policy when not given.",
    )
    stop_on_failure = serializers.BooleanField(
        required=False, help_text="Begin no further machine once one has failed; those at work go on."
    )

    def validate_verify(self, value: str) -> str:
        try:
            return str(policy_from(value)) if value else ""
        except ValueError as wrong:
            raise serializers.ValidationError(str(wrong)) from None


class AskedOptionsSerializer(BatchOptionsSerializer):
    dry_run = serializers.BooleanField(
        required=False, help_text="Only tell what stands against the batch, all at once, in the job's result; nothing is made."
    )


class NewBatchSerializer(StrictMixin, serializers.Serializer[dict[str, Any]]):
    """A batch as it is asked for."""

    name = serializers.CharField(max_length=200, required=False)
    pool = serializers.UUIDField(help_text="Id of the pool.")
    mapping = serializers.UUIDField()
    conversions = serializers.ListField(
        child=WantedConversionSerializer(), min_length=1, max_length=MOST_CONVERSIONS, help_text="Its machines, in their order."
    )
    options = AskedOptionsSerializer(required=False)


class BatchProblemSerializer(serializers.Serializer[Any]):
    """Something that stands against one machine of a batch."""

    vm = serializers.CharField(help_text="Id of the machine.")
    name = serializers.CharField(help_text="Its name; empty where the project does not know it.")
    code = serializers.CharField()
    subject = serializers.CharField()
    detail = serializers.CharField()
    next_step = serializers.CharField(help_text="What to do about it.")
    unknown = serializers.BooleanField()


class BatchProgressSerializer(serializers.Serializer[Any]):
    """What the conversions of a batch add up to; bytes are of the virtual disks."""

    states = serializers.DictField(child=serializers.IntegerField(), help_text="Number of conversions by state.")
    conversions = serializers.IntegerField(help_text="How many machines the batch has.")
    disks = serializers.IntegerField(help_text="How many disks these have, as far as they are prepared.")
    disks_verified = serializers.IntegerField(help_text="How many of them were read back and are equal in every block.")
    bytes_total = serializers.IntegerField(help_text="Size of these disks.")
    bytes_copied = serializers.IntegerField(help_text="How much of it is copied.")
    bytes_zero = serializers.IntegerField(help_text="How much of it held nothing.")
    bytes_sent = serializers.IntegerField(help_text="How much finished segments took over the line.")


class BatchItemSerializer(serializers.ModelSerializer[Conversion]):
    """One conversion of a batch."""

    vm = serializers.UUIDField(source="machine_id", help_text="Id of the machine.")
    step_title = serializers.SerializerMethodField()
    bytes_total = serializers.IntegerField(help_text="Size of its disks.")
    bytes_copied = serializers.IntegerField(help_text="How much of it is copied.")
    error = ErrorSerializer(allow_null=True)

    class Meta:
        model = Conversion
        fields: ClassVar = ["id", "vm", "name", "state", "step", "step_title", "bytes_total", "bytes_copied", "error", "job_id"]

    def get_step_title(self, row: Conversion) -> str:
        return title_of(row.step)


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """A batch and how far it is, as a whole."""

    pool = serializers.UUIDField(source="pool_id", help_text="Id of the pool.")
    mapping = serializers.UUIDField(source="mapping_id")
    state = serializers.ChoiceField(
        choices=[state.value for state in BatchState], source="view.state", help_text="One word for all of it."
    )
    options = BatchOptionsSerializer()
    problems = BatchProblemSerializer(many=True, help_text="Why there is no wave: everything that stands against the batch.")
    progress = BatchProgressSerializer(source="view", help_text="What its conversions add up to.")
    created_by = serializers.CharField(source="created_by_name")

    class Meta:
        model = Batch
        fields: ClassVar = [
            "id", "name", "pool", "mapping", "state", "wave_id", "options", "problems", "progress", "job_id", "created_by",
            "created_at",
        ]  # fmt: skip


class BatchDetailSerializer(BatchSerializer):
    """A batch with each of its conversions."""

    conversions = BatchItemSerializer(many=True, source="view.items")

    class Meta(BatchSerializer.Meta):
        fields: ClassVar = [*BatchSerializer.Meta.fields, "conversions"]


class AcceptedBatchSerializer(JobSerializer):
    """The job, and the batch it makes; null for a dry run."""

    batch_id = serializers.UUIDField(allow_null=True, help_text="Id of the batch; null for a dry run.")

    class Meta(JobSerializer.Meta):
        fields: ClassVar = [*JobSerializer.Meta.fields, "batch_id"]


class BatchViewSet(ProjectReadOnlyViewSet):
    """Batches: conversions asked for at once, in one wave of their own."""

    queryset = Batch.objects.all()
    serializer_class = BatchSerializer
    filterset_fields: ClassVar = ["name", "pool_id", "wave_id"]
    search_fields: ClassVar = ["name"]
    ordering_fields: ClassVar = ["created_at", "name"]

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        return None if page is None else selectors.with_views(page)

    @extend_schema(responses=BatchDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One batch with each of its conversions."""
        return Response(BatchDetailSerializer(selectors.with_items(self.get_object())).data)

    @extend_schema(request=NewBatchSerializer, responses={202: AcceptedBatchSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make one wave of these machines and prepare them. Gate, signature and cutover are those of any wave."""
        asked = NewBatchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = {"name": f"Batch of {now():%Y-%m-%d %H:%M:%S}", "options": {}, **_plain(asked.validated_data)}
        dry_run = bool(values["options"].pop("dry_run", False))
        key = idempotency_key_of(request)
        made = batches.ask(self.project, values, dry_run=dry_run, actor=self.actor, idempotency_key=key)
        answer = accepted(made.job, request)
        answer.data["batch_id"] = None if made.batch is None else str(made.batch.pk)
        return answer

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def retry(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take up what failed or was never begun; check a refused batch again."""
        key = idempotency_key_of(request)
        return accepted(batches.retry(self.get_object(), actor=self.actor, idempotency_key=key), request)


def _plain(value: Any) -> Any:
    """Validated values as JSON keeps them: ids as texts."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, UUID) else value
