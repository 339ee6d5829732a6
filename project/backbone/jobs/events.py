"""A job's life as server-sent events: one `job` event per change, from now to its end. Holds no thread while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from project.backbone.api.answers import json_answer, problem_of
from project.backbone.api.scoping import actor_of
from project.backbone.jobs import selectors
from project.backbone.jobs.models import Job
from project.backbone.jobs.serializers import JobSerializer
from project.backbone.jobs.states import FINISHED
from project.backbone.problems import Problem, problem_of_status

LOOK_EVERY_S = 0.5
COMMENT_EVERY_S = 15.0
LONGEST_S = 3600.0


async def job_events(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """`GET /api/v1/jobs/{id}/events`: the job's document at every change; the stream ends with the job."""
    if request.method != "GET":
        refused = json_answer(problem_of_status(405, f"Method {request.method} is not allowed here."))
        refused.headers["Allow"] = "GET"
        return refused
    seen = await sync_to_async(_first_look)(request, pk)
    if isinstance(seen, HttpResponse):
        return seen
    response = StreamingHttpResponse(_events(pk), content_type="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Cache-Control"] = "no-store"
    return response


def _first_look(request: HttpRequest, pk: UUID) -> HttpResponse | None:
    """The same authentication and scope as every other view of the API; a refusal is an ordinary problem document."""
    drf_request: Request = APIView().initialize_request(request)
    try:
        selectors.job(pk, actor=actor_of(drf_request))
    except Problem as problem:
        return json_answer(problem)
    except APIException as error:
        return json_answer(problem_of(error))
    return None


async def _events(pk: UUID) -> AsyncIterator[str]:
    before, quiet_s, open_s = "", 0.0, 0.0
    while open_s < LONGEST_S:
        job = await Job.objects.filter(pk=pk).afirst()
        if job is None:
            return
        document = JSONRenderer().render(JobSerializer(job).data).decode()
        if document != before:
            before, quiet_s = document, 0.0
            yield f"event: job\nid: {job.fence}\ndata: {document}\n\n"
        if job.state in FINISHED:
            return
        if quiet_s >= COMMENT_EVERY_S:
            quiet_s = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY_S)
        quiet_s, open_s = quiet_s + LOOK_EVERY_S, open_s + LOOK_EVERY_S
