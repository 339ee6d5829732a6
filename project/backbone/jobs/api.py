"""Jobs over HTTP: list, read, cancel, retry; the event stream is in events.py."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.api.scoping import ProjectViewSet, ScopedViewSet
from project.backbone.api.strict import takes_no_body
from project.backbone.jobs import selectors, services
from project.backbone.jobs.models import Job
from project.backbone.jobs.serializers import JobSerializer


class JobFilter(filters.FilterSet):
    class Meta:
        model = Job
        fields: ClassVar = {"state": ["exact", "in"], "kind": ["exact", "startswith"], "subject": ["exact"], "queue": ["exact"]}


class JobViewSet(ListModelMixin, RetrieveModelMixin, ScopedViewSet):
    """Jobs of all projects the caller sees."""

    queryset = Job.objects.all()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    search_fields: ClassVar = ["kind", "subject", "message"]
    ordering_fields: ClassVar = ["created_at", "state", "kind", "finished_at"]

    def get_queryset(self) -> QuerySet[Job]:
        return Job.objects.none() if self.for_schema else selectors.visible_jobs(self.actor)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Stop the job: at once unless it runs, else at its next safe point."""
        job = services.cancel(self.get_object(), self.actor)
        return Response(self.get_serializer(job).data, status=202)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @takes_no_body
    def retry(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Queue a failed or cancelled job again; it goes on from its checkpoint."""
        job = services.retry(self.get_object(), self.actor)
        return Response(self.get_serializer(job).data, status=202)


@extend_schema_view(list=extend_schema(operation_id="projects_jobs_list"))
class ProjectJobViewSet(ListModelMixin, ProjectViewSet):
    """Jobs of one project."""

    queryset = Job.objects.all()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    search_fields: ClassVar = ["kind", "subject", "message"]
    ordering_fields: ClassVar = ["created_at", "state", "kind", "finished_at"]
