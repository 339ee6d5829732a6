"""How a conversion goes, as server-sent events: one `progress` event per change. Holds no thread while it waits.

The address is that of the conversion's events: who accepts `text/event-stream` gets this, everybody else the list.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from migration.conversion import selectors
from migration.conversion.api.conversions import ConversionViewSet
from migration.conversion.core.itinerary import title_of
from migration.conversion.core.rate import Rate, left_s
from migration.conversion.core.states import ENDED, State
from migration.conversion.models import Conversion
from project.backbone.accounts import selectors as accounts
from project.backbone.api.answers import json_answer, problem_of
from project.backbone.api.scoping import actor_of
from project.backbone.problems import NotVisible, Problem

LOOK_EVERY_S = 1.0
COMMENT_EVERY_S = 15.0
LONGEST_S = 3600.0
EVENT_STREAM = "text/event-stream"
FIGURES = ("bytes_total", "bytes_copied", "bytes_zero", "bytes_sent")
_listed = ConversionViewSet.as_view({"get": "events"}, detail=True)


async def conversion_events(request: HttpRequest, project_id: UUID, pk: UUID) -> HttpResponseBase:
    """`GET …/conversions/{id}/events`: the list of what happened, or with `Accept: text/event-stream` how it goes."""
    if request.method != "GET" or EVENT_STREAM not in request.headers.get("Accept", ""):
        return await sync_to_async(_listed)(request, project_id=project_id, pk=pk)
    refused = await sync_to_async(_refusal)(request, project_id, pk)
    if refused is not None:
        return refused
    response = StreamingHttpResponse(_events(pk), content_type=EVENT_STREAM)
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Cache-Control"] = "no-store"
    return response


def _refusal(request: HttpRequest, project_id: UUID, pk: UUID) -> HttpResponse | None:
    """The same authentication and scope as every other view of the API; a refusal is an ordinary problem document."""
    try:
        project = accounts.project(project_id, actor=actor_of(APIView().initialize_request(request)))
        if not selectors.conversions_of_project(project.pk).filter(pk=pk).exists():
            raise NotVisible("conversion")
    except Problem as problem:
        return json_answer(problem)
    except APIException as error:
        return json_answer(problem_of(error))
    return None


async def _events(pk: UUID) -> AsyncIterator[str]:
    before, quiet_s, open_s, rate = "", 0.0, 0.0, Rate()
    while open_s < LONGEST_S:
        row = await sync_to_async(selectors.conversion_with_disks)(pk)
        if row is None:
            return
        document = JSONRenderer().render(progress_of(row, rate, time.monotonic())).decode()
        if document != before:
            before, quiet_s = document, 0.0
            yield f"event: progress\ndata: {document}\n\n"
        if State(row.state) in ENDED:
            return
        if quiet_s >= COMMENT_EVERY_S:
            quiet_s = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY_S)
        quiet_s, open_s = quiet_s + LOOK_EVERY_S, open_s + LOOK_EVERY_S


def progress_of(row: Conversion, rate: Rate, at_s: float) -> dict[str, Any]:
    """One event's document: bytes of the virtual disks, rate over ten seconds, seconds left, the step, and each disk."""
    copies = list(row.disks.all())
    sums = {name: sum(getattr(copy, name) for copy in copies) for name in FIGURES}
    disks = [
        {"label": copy.label, "verified": copy.verified, **{name: getattr(copy, name) for name in FIGURES}} for copy in copies
    ]
    speed = rate.take(at_s, sums["bytes_copied"]) if row.state == State.COPYING else None
    left = left_s(sums["bytes_total"] - sums["bytes_copied"], speed)
    return {
        "id": str(row.pk),
        "name": row.name,
        "state": row.state,
        "step": row.step,
        "step_title": title_of(row.step),
        **sums,
        "rate_per_s": None if speed is None else round(speed),
        "eta_s": None if left is None else round(left),
        "disks": disks,
        "error": row.error,
    }
