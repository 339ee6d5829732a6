"""Is the service there, can it work, how busy is it: /healthz, /readyz, /metrics. No secrets, no project's name, no session."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis.exceptions import RedisError

from project.backbone.clock import now
from project.backbone.jobs.models import Job
from project.backbone.jobs.states import JobState

STUCK_AFTER_S = 120


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when every dependency answers, 503 with the one that does not."""
    states = {"database": _database(), "cache": _cache(), "workers": _workers()}
    ready = states["database"] == "ok" and states["cache"] == "ok"
    return JsonResponse({"status": "ok" if ready else "not ready", **states}, status=200 if ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Jobs by state and queue, and how long the oldest due job has waited, as Prometheus text."""
    registry = CollectorRegistry()
    jobs = Gauge("xenbound_jobs", "Jobs by state and queue.", ["state", "queue"], registry=registry)
    for state, queue, count in Job.objects.values_list("state", "queue").annotate(Count("id")).order_by():
        jobs.labels(state, queue).set(count)
    oldest = Gauge("xenbound_oldest_due_job_seconds", "Age of the oldest due job no worker took.", registry=registry)
    oldest.set(_oldest_due_s())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _database() -> str:
    try:
        pending = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    except DatabaseError:
        return "does not answer"
    return "ok" if not pending else "migrations are missing; run manage.py migrate"


def _cache() -> str:
    try:
        cache.get("xenbound:ready")
    except (RedisError, OSError):
        return "does not answer"
    return "ok"


def _workers() -> str:
    """Workers are judged by their work: a job that is due for minutes says that nobody takes any."""
    try:
        return "ok" if _oldest_due_s() < max(STUCK_AFTER_S, settings.JOBS_RESEND_S * 2) else "no worker takes due jobs"
    except DatabaseError:
        return "unknown"


def _oldest_due_s() -> float:
    oldest = Job.objects.filter(state=JobState.QUEUED, run_at__lte=now()).aggregate(Min("run_at"))["run_at__min"]
    waited: timedelta = now() - oldest if oldest else timedelta()
    return waited.total_seconds()
