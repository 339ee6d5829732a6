"""A job on the wire: what it is, where it stands, who runs it. Parameters and checkpoints stay inside."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from project.backbone.jobs.models import Job
from project.backbone.jobs.states import JobState


class ProgressSerializer(serializers.Serializer[Any]):
    """How far, in `unit`; rate and remaining time as measured in the present attempt."""

    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    unit = serializers.CharField()
    rate_per_s = serializers.FloatField(allow_null=True)
    eta_s = serializers.FloatField(allow_null=True)


class WorkerSerializer(serializers.Serializer[Any]):
    """The process that runs the job now."""

    host = serializers.CharField()
    pid = serializers.IntegerField()


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a job failed, for people: a stable code, what is wrong where, and what to do next."""

    code = serializers.CharField()
    message = serializers.CharField()
    next_step = serializers.CharField()


class JobSerializer(serializers.ModelSerializer[Job]):
    """A job as the API shows it."""

    progress = serializers.SerializerMethodField()
    worker = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    requested_by = serializers.CharField(source="requested_by_name", read_only=True)

    class Meta:
        model = Job
        fields: ClassVar = [
            "id", "kind", "state", "project", "subject", "queue", "progress", "message", "error", "result", "attempts", "worker",
            "requested_by", "created_at", "run_at", "started_at", "finished_at", "cancel_requested_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = fields

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, job: Job) -> dict[str, Any]:
        return progress_of(job)

    @extend_schema_field(WorkerSerializer(allow_null=True))
    def get_worker(self, job: Job) -> dict[str, Any] | None:
        if job.state != JobState.RUNNING:
            return None
        return {"host": job.worker_host, "pid": job.worker_pid}

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> Any:
        return job.error

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_result(self, job: Job) -> Any:
        return job.result


def progress_of(job: Job) -> dict[str, Any]:
    """`{done, total, unit, rate_per_s, eta_s}`; rate and remaining seconds only while the job runs and both are known."""
    rate = job.progress_rate_per_s if job.state == JobState.RUNNING else None
    left = None if job.progress_total is None else max(0, job.progress_total - job.progress_done)
    eta_s = round(left / rate, 1) if left is not None and rate else None
    return {
        "done": job.progress_done,
        "total": job.progress_total,
        "unit": job.progress_unit,
        "rate_per_s": None if rate is None else round(rate, 1),
        "eta_s": eta_s,
    }
