"""What every page of a project shares: who asks, which project, and the context of the frame. Pages only ask selectors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.generic import TemplateView

from project.backbone.accounts import selectors
from project.backbone.accounts.policy import Actor
from project.backbone.api.scoping import actor_of
from project.backbone.models import Project


class ProjectPage(LoginRequiredMixin, TemplateView):
    """One page of one project. `page` names its tab; subclasses add to the context. Raises NotVisible for other projects."""

    page = ""
    actor: Actor
    project: Project

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            project_id: UUID = kwargs["project_id"]
            self.actor = actor_of(request)
            self.project = selectors.project(project_id, actor=self.actor)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(project=self.project, page=self.page, **kwargs)
