"""How refusals are answered: every error of an API view becomes one RFC 9457 problem document with a stable code.

The table below translates what Django and DRF raise; what nobody foresaw is logged under an id and answered with that id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import structlog
from django.core import exceptions as django_errors
from django.db import DataError, OperationalError
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException, UnreadablePostError
from rest_framework import exceptions as drf_errors
from rest_framework.request import Request
from rest_framework.response import Response

from project.backbone.jobs.states import IllegalTransition
from project.backbone.problems import (
    Conflict,
    Internal,
    Invalid,
    NotSignedIn,
    NotVisible,
    Problem,
    TooManyRequests,
    problem_of_status,
)

PROBLEM_JSON = "application/problem+json"
log = structlog.get_logger("xenbound.api")


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook: the answer to any exception that leaves a view."""
    problem = problem_of(error)
    request = context.get("request")
    if isinstance(problem, Internal):
        log_internal(problem, error, path=getattr(request, "path", ""))
    response = Response(problem.document(), status=problem.status, headers=_headers(error, problem))
    if _wants_json(request):
        response.content_type = PROBLEM_JSON
    response.exception = True
    return response


def json_answer(problem: Problem) -> JsonResponse:
    """The problem document outside of DRF (unknown URLs, middleware)."""
    return JsonResponse(problem.document(), status=problem.status, content_type=PROBLEM_JSON)


def problem_of(error: BaseException) -> Problem:
    """The problem that stands for an exception; `Internal` with a fresh id for one that nobody foresaw."""
    if isinstance(error, Problem):
        return error
    for kinds, translate in TRANSLATIONS:
        if isinstance(error, kinds):
            return translate(error)
    return _unforeseen()


def _unforeseen() -> Problem:
    return Internal(
        "The server met a fault it did not foresee.",
        next_step="Try again; if it stays, give the id of this answer to whoever runs the server.",
        extra={"id": str(uuid4())},
    )


def log_internal(problem: Problem, error: BaseException, *, path: str) -> None:
    """Record an unforeseen fault under the id its answer carries."""
    log.error("internal_error", error_id=problem.extra.get("id"), path=path, exc_info=error)


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _wants_json(request: Request | None) -> bool:
    renderer = getattr(request, "accepted_renderer", None)
    return renderer is None or renderer.format != "api"


def _headers(error: Exception, problem: Problem) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if isinstance(problem, TooManyRequests):
        headers["Retry-After"] = str(max(1, round(problem.retry_after_s)))
    return headers


def _validation(error: Any) -> Problem:
    errors = list(_flat(error.get_full_details(), ""))
    fields = ", ".join(sorted({entry["field"] for entry in errors if entry["field"]}))
    return Invalid(
        f"These fields cannot be used as given: {fields}." if fields else errors[0]["detail"] if errors else "",
        errors=errors,
        next_step="Correct the fields listed under errors and send the request again.",
    )


def _flat(details: Any, field: str) -> Iterator[dict[str, Any]]:
    """DRF's nested details as a flat list of `{field, code, detail}`, with dots between the levels."""
    if isinstance(details, list):
        for index, part in enumerate(details):
            nested = isinstance(part, dict) and "message" not in part
            yield from _flat(part, f"{field}.{index}".strip(".") if nested else field)
    elif isinstance(details, dict) and isinstance(details.get("message"), str) and "code" in details:
        yield {"field": field, "code": str(details["code"]), "detail": details["message"]}
    elif isinstance(details, dict):
        for key, part in details.items():
            yield from _flat(part, field if key == "non_field_errors" else f"{field}.{key}".strip("."))


def _django_validation(error: Any) -> Problem:
    return Invalid(" ".join(str(message) for message in error.messages))


def _api_exception(error: Any) -> Problem:
    return problem_of_status(error.status_code, str(error.detail))


def _throttled(error: Any) -> Problem:
    return TooManyRequests(str(error.detail), retry_after_s=error.wait or 1, next_step="Wait that long, then try again.")


def _signed_out(error: Any) -> Problem:
    return NotSignedIn(str(error.detail), next_step="Ask POST /api/v1/auth/token for a token and send it as a Bearer token.")


def _unstorable(_: Any) -> Problem:
    return Invalid("A value in the request is too large or of a kind that cannot be stored.")


def _still_used(error: Any) -> Problem:
    users = sorted({str(row._meta.verbose_name_plural) for row in error.protected_objects})
    return Conflict(f"It is still used by {', '.join(users)}.", code="still_used", next_step="Remove those first, or keep it.")


def _busy(error: Any) -> Problem:
    """A lock that was not given in time, or a line that broke; any other fault of the database is one of ours."""
    if "locked" in str(error) or "deadlock" in str(error):
        return problem_of_status(503, "The database is busy with other writers.")
    if "connect" in str(error) or "terminat" in str(error):
        return problem_of_status(503, "The database does not answer.")
    return _unforeseen()


TRANSLATIONS: tuple[tuple[tuple[type[BaseException], ...], Callable[[Any], Problem]], ...] = (
    ((drf_errors.ValidationError,), _validation),
    ((drf_errors.NotAuthenticated, drf_errors.AuthenticationFailed), _signed_out),
    ((drf_errors.Throttled,), _throttled),
    ((Http404, drf_errors.NotFound, django_errors.ObjectDoesNotExist), lambda _: NotVisible()),
    ((drf_errors.APIException,), _api_exception),
    ((django_errors.ValidationError,), _django_validation),
    ((django_errors.PermissionDenied,), lambda error: problem_of_status(403, str(error))),
    ((django_errors.RequestDataTooBig,), lambda _: problem_of_status(413, "The request's body is too large.")),
    (
        (django_errors.SuspiciousOperation, django_errors.BadRequest),
        lambda _: problem_of_status(400, "The request is malformed."),
    ),
    ((MultiPartParserError, UnreadablePostError, RawPostDataException), lambda _: problem_of_status(400, "The body breaks off.")),
    ((IllegalTransition,), lambda error: Conflict(str(error), code="illegal_transition")),
    ((DataError, OverflowError), _unstorable),
    ((ProtectedError,), _still_used),
    ((OperationalError,), _busy),
)
