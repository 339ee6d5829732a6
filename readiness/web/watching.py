"""The forms of the readiness page that concern the watch: each calls the service that the API calls."""

from __future__ import annotations

from typing import Any

from django.shortcuts import resolve_url
from django.urls import path

from project.backbone.problems import Invalid
from project.web.pages import ProjectForm
from readiness.selectors import pools
from readiness.services import alarms, watching


class _OfPool(ProjectForm):
    def back_url(self, **kwargs: Any) -> str:
        return resolve_url("pool-readiness", self.project.pk, kwargs["pool_id"])


class WatchForm(_OfPool):
    """Switch the watch on or off."""

    def act(self, **kwargs: Any) -> str:
        pool = pools.pool_of_project(self.project, kwargs["pool_id"])
        enabled = self.request.POST.get("enabled") == "yes"
        watching.set_watch(pool, enabled=enabled, actor=self.actor)
        return f"Pool {pool.name} is {'watched from now on' if enabled else 'not watched any more'}."


class AcceptForm(_OfPool):
    """Say that the pool stays as it is."""

    def act(self, **kwargs: Any) -> str:
        pool = pools.pool_of_project(self.project, kwargs["pool_id"])
        reason = self.request.POST.get("reason", "").strip()[:500]
        if not reason:
            raise Invalid("A reason is needed.", next_step="Say in a few words why the pool stays as it is.")
        closed = alarms.accept(pool, reason=reason, actor=self.actor)
        return f"{len(closed)} alarms are closed; later looks are compared with the pool as it is now."


PAGES = [
    path("readiness/<uuid:pool_id>/watch", WatchForm.as_view(), name="pool-watch-form"),
    path("readiness/<uuid:pool_id>/alarms/accept", AcceptForm.as_view(), name="pool-accept-form"),
]
