"""The page of notices: who is told what, and what was delivered. Forms call the services that the API calls.

A page shows no secret, so whoever adds a webhook here brings one; the API makes one and tells it once.
"""

from __future__ import annotations

from typing import Any

from django.urls import path

from project.backbone.accounts.policy import Role
from project.backbone.notices import catalogue, selectors, services
from project.backbone.notices.models import TargetKind
from project.backbone.notices.signing import SHORTEST
from project.backbone.problems import Invalid
from project.web.pages import ProjectForm, ProjectPage, permitted

MOST_SHOWN = 30


class NoticesPage(ProjectPage):
    """Receivers by name and the newest deliveries."""

    page = "notices"
    template_name = "web/notices.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            targets=list(selectors.targets(self.project)),
            deliveries=list(selectors.deliveries(self.project)[:MOST_SHOWN]),
            events=catalogue.events(),
            shortest=SHORTEST,
            may_change=permitted(self.actor.require, self.project, Role.ADMIN),
            **kwargs,
        )


class _NoticeForm(ProjectForm):
    back = "project-notices"


class AddForm(_NoticeForm):
    """Add a receiver: mail addresses where any are given, else a webhook."""

    def act(self, **kwargs: Any) -> str:
        said = {name: self.request.POST.get(name, "").strip() for name in ("name", "url", "secret", "addresses")}
        if not 0 < len(said["name"]) <= 200 or len(said["url"]) > 1000:
            raise Invalid("A receiver needs a name of at most 200 letters.", next_step="Give it one.")
        addresses = [each for each in said["addresses"].split(",") if each.strip()]
        if not addresses and not SHORTEST <= len(said["secret"]) <= 500:
            raise Invalid(
                f"A webhook's secret has {SHORTEST} letters or more.", next_step="Make one up and give it to both sides."
            )
        target, _ = services.add_target(
            self.project,
            kind=TargetKind.EMAIL if addresses else TargetKind.WEBHOOK,
            name=said["name"],
            events=self.request.POST.getlist("events"),
            url=said["url"],
            secret=said["secret"],
            addresses=addresses,
            actor=self.actor,
        )
        return f"{target.name} is told from now on."


class TestForm(_NoticeForm):
    """Send a test."""

    __test__ = False

    def act(self, **kwargs: Any) -> str:
        target = selectors.target_of_project(self.project, kwargs["target_id"])
        services.ask_for_test(target, actor=self.actor)
        return f"A test is on its way to {target.name}; load this page again in some seconds."


class RemoveForm(_NoticeForm):
    """Tell a receiver nothing any more."""

    def act(self, **kwargs: Any) -> str:
        target = selectors.target_of_project(self.project, kwargs["target_id"])
        services.remove_target(target, actor=self.actor)
        return f"{target.name} is told nothing any more."


BASE = "projects/<uuid:project_id>/notices"
PAGES = [
    path(BASE, NoticesPage.as_view(), name="project-notices"),
    path(f"{BASE}/add", AddForm.as_view(), name="notice-add-form"),
    path(f"{BASE}/<uuid:target_id>/test", TestForm.as_view(), name="notice-test-form"),
    path(f"{BASE}/<uuid:target_id>/remove", RemoveForm.as_view(), name="notice-remove-form"),
]
