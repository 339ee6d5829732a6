"""Reading tenancy: the actor behind a request, and the projects somebody may see."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from project.backbone.accounts.models import ApiToken, Membership, Project, User
from project.backbone.accounts.policy import Actor, Grant, Role, TokenLimit
from project.backbone.problems import NotVisible


def actor_for(user: User, token: ApiToken | None = None) -> Actor:
    """The actor of a signed-in person; a narrowed token takes rights away, never adds any. One query."""
    rows = Membership.objects.filter(user=user).values_list("project_id", "role", "is_approver")
    return Actor(
        user_id=user.id,
        username=user.username,
        is_superuser=user.is_superuser,
        memberships={project_id: Grant(Role(role), approver) for project_id, role, approver in rows},
        limit=_limit_of(token),
    )


def _limit_of(token: ApiToken | None) -> TokenLimit:
    if token is None:
        return TokenLimit()
    return TokenLimit(project_id=token.project_id, role=Role(token.role) if token.role else None)


def visible_projects(actor: Actor) -> QuerySet[Project]:
    ids = actor.visible_project_ids()
    everything = Project.objects.select_related("customer")
    return everything if ids is None else everything.filter(id__in=ids)


def project(project_id: UUID, *, actor: Actor) -> Project:
    """One project the actor sees. Raises: NotVisible."""
    found = visible_projects(actor).filter(id=project_id).first()
    if found is None:
        raise NotVisible("project")
    return found
