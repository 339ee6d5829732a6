"""The answer to a request that started work: 202 with the job and where to watch it."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.jobs.models import Job
from project.backbone.jobs.serializers import JobSerializer


def accepted(job: Job, request: Request) -> Response:
    """202, the job's fields as body, `Location: /api/v1/jobs/{id}`."""
    location = request.build_absolute_uri(reverse("job-detail", kwargs={"pk": job.pk}))
    return Response(JobSerializer(job, context={"request": request}).data, status=202, headers={"Location": location})
