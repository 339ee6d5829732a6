"""Who asks, and in which project: the base of every project-scoped viewset. Other projects' rows are out of its reach."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from project.backbone.accounts import selectors
from project.backbone.accounts.models import ApiToken, Project, User
from project.backbone.accounts.policy import Actor
from project.backbone.problems import NotSignedIn, NotVisible


def actor_of(request: Request | HttpRequest) -> Actor:
    """The actor of a signed-in request (API or page), built once per request. Raises: NotSignedIn."""
    known = getattr(request, "_xenbound_actor", None)
    if isinstance(known, Actor):
        return known
    user, token = request.user, getattr(request, "auth", None)
    if not isinstance(user, User):
        raise NotSignedIn(next_step="Sign in, or send a Bearer token.")
    actor = selectors.actor_for(user, token if isinstance(token, ApiToken) else None)
    request._xenbound_actor = actor  # type: ignore[union-attr]
    return actor


class ActorMixin:
    """Gives a view `self.actor`."""

    @property
    def actor(self) -> Actor:
        return actor_of(self.request)  # type: ignore[attr-defined]  # the view's, mixed in beside


class ScopedViewSet(ActorMixin, GenericViewSet[Any]):
    """A top collection. Subclasses filter `get_queryset()` by what `self.actor` may see."""

    lookup_value_converter = "uuid"

    @property
    def for_schema(self) -> bool:
        """Whether the schema generator, not a request, looks at the view."""
        return bool(getattr(self, "swagger_fake_view", False))


class ProjectViewSet(ScopedViewSet):
    """Everything below `/projects/{project_id}/`: `self.project` is visible to `self.actor`, rows are the project's own.

    `project_lookup` is the ORM path from the viewset's model to its project.
    """

    project: Project
    project_lookup: ClassVar[str] = "project"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.project = selectors.project(_uuid(kwargs["project_id"]), actor=self.actor)

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        if self.for_schema:
            return rows.none()
        return rows.filter(**{self.project_lookup: self.project})


class ProjectReadOnlyViewSet(ListModelMixin, RetrieveModelMixin, ProjectViewSet):
    """List and read of one project-scoped table."""


def _uuid(value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise NotVisible("project") from None
