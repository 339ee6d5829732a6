"""Problems outside of DRF: a service's refusal that leaves a page view becomes a page, unknown API paths become JSON.

Also the headers every answer carries. Views of the API answer their own problems (api/answers.py).
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import select_template

from project.backbone.api.answers import is_api, json_answer, log_internal, problem_of
from project.backbone.problems import Problem, problem_of_status

PAGE_TEMPLATES = ["web/problem.html", "backbone/problem.html"]
PAGES_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# DRF's browsable pages of the API carry styles of their own.
API_POLICY = PAGES_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
# The schema page of drf-spectacular starts Swagger from a script in the page itself.
DOCS_POLICY = API_POLICY.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'")


class ProblemMiddleware:
    """Turns a Problem that left a page view into a page (or JSON below /api/), and sets the security headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _policy(request))
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if is_api(request):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Only what a service refuses on purpose; other exceptions take Django's way to `server_error` below."""
        return answer(request, error) if isinstance(error, Problem) else None


def _policy(request: HttpRequest) -> str:
    if request.path.startswith("/api/docs"):
        return DOCS_POLICY
    return API_POLICY if is_api(request) else PAGES_POLICY


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem as JSON below /api/, as a page elsewhere."""
    if is_api(request):
        return json_answer(problem)
    page = select_template(PAGE_TEMPLATES)
    return HttpResponse(page.render({"problem": problem, "debug": settings.DEBUG}, request), status=problem.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, problem_of_status(400, "The request is malformed."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, problem_of_status(403, str(exception) or "This is not allowed."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    problem = problem_of_status(404, "There is nothing at this address.")
    if not is_api(request):
        problem.next_step = "Check the address, or go on from your projects."
    return answer(request, problem)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was sent without its token: another tab signed in or out, or another site sent it."""
    problem = problem_of_status(403, "The form is too old or came from another place.")
    problem.next_step = "Load the page again and repeat what you did."
    return answer(request, problem)


def server_error(request: HttpRequest) -> HttpResponse:
    problem = problem_of(RuntimeError("a view outside of the API failed"))
    log_internal(problem, RuntimeError("see the traceback logged by django.request"), path=request.path)
    return answer(request, problem)
