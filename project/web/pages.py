"""What every page shares: who asks, in which project, parts that refresh themselves, and forms that ask one service.

Pages only ask selectors; forms call the very services the API calls, so both refuse alike. No page of an app lives here.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView, View

from project.backbone.accounts import selectors
from project.backbone.accounts.policy import Actor
from project.backbone.api.scoping import actor_of
from project.backbone.models import Project
from project.backbone.problems import Conflict, Invalid, NotVisible, PreconditionFailed, RoleTooLow


class SignedIn(LoginRequiredMixin, View):
    """A view for people who have signed in: `self.actor` is who asks. What it answers is kept by no cache."""

    actor: Actor

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        self.actor = actor_of(request)
        self.admit(**kwargs)
        return super().dispatch(request, *args, **kwargs)

    def admit(self, **kwargs: Any) -> None:
        """Raises a Problem for people who may not see this."""

    def handle_no_permission(self) -> HttpResponseRedirect:
        """To the sign-in page; a part that refreshes itself has the whole page loaded again, not that one put inside."""
        answer = super().handle_no_permission()
        if self.request.headers.get("HX-Request"):
            answer.status_code = 401
            answer.headers["HX-Refresh"] = "true"
        return answer


class InProject(SignedIn):
    """A view below /projects/{project_id}: `self.project` is one the actor sees. Raises NotVisible for any other."""

    project: Project

    def admit(self, **kwargs: Any) -> None:
        project_id: UUID = kwargs["project_id"]
        self.project = selectors.project(project_id, actor=self.actor)


class ProjectPage(InProject, TemplateView):
    """One page of one project. `page` names its tab; subclasses add to the context."""

    page = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(project=self.project, page=self.page, **kwargs)


class LivePage(ProjectPage):
    """A page one part of which asks for itself again by htmx. Without JavaScript it is a page like any other.

    Subclasses give `live()`: frozen dataclasses (or tuples of them) that hold everything the part shows. While that stays
    the same the answer is 204 and the browser touches nothing, so that focus and open details survive.
    """

    part_template = ""

    @abstractmethod
    def live(self) -> Any:
        """What the part shows now."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        live = self.live()
        mark = hashlib.sha256(repr(live).encode()).hexdigest()[:16]
        return super().get_context_data(live=live, mark=mark, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        context = self.get_context_data(**kwargs)
        if request.headers.get("HX-Request") and request.GET.get("seen") == context["mark"]:
            return HttpResponse(status=204)
        return self.render_to_response(context)

    def get_template_names(self) -> list[str]:
        return [self.part_template] if self.request.headers.get("HX-Request") else super().get_template_names()


class ProjectForm(InProject):
    """A form's target: `act()` calls one service and says what it did. Then the browser is sent `back` to the page it came from.

    A refusal that people can act on is shown on that page; missing rights and foreign ids are a problem page.
    """

    http_method_names = ["post", "options"]
    back = ""

    @abstractmethod
    def act(self, **kwargs: Any) -> str:
        """Call one service; returns what it did, for a person."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseRedirect:
        try:
            self._require_storable()
            messages.success(request, self.act(**kwargs))
        except (Conflict, Invalid, PreconditionFailed) as problem:
            messages.error(request, " ".join(part for part in (problem.detail, problem.next_step) if part))
        answer = HttpResponseRedirect(self.back_url(**kwargs))
        answer.status_code = 303
        return answer

    def _require_storable(self) -> None:
        """No text of a form may hold what no database keeps, as no JSON body may. Raises: Invalid."""
        if any("\x00" in value for values in self.request.POST.lists() for value in values[1]):
            raise Invalid("A field holds a NUL character, which cannot be stored.", next_step="Type the text anew.")

    def back_url(self, **kwargs: Any) -> str:
        return resolve_url(self.back, self.project.pk)


def permitted(check: Callable[..., None], *args: Any) -> bool:
    """Whether one of the actor's `require…` checks passes: for showing a button, never instead of the check itself."""
    try:
        check(*args)
    except (RoleTooLow, NotVisible):
        return False
    return True
