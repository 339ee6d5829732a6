"""Reading endpoints, and opening one for a work room. The opened secret lives only in the returned Connection."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from estate.connection import Connection
from project.backbone.accounts.models import Project
from project.backbone.endpoints.models import Endpoint
from project.backbone.endpoints.sealing import open_sealed
from project.backbone.problems import Conflict, NotVisible

REFUSAL_HOLDS = timedelta(seconds=60)
"""vCenter locks an account at the fifth refusal within three minutes; one a minute stays below that."""


def endpoint(endpoint_id: UUID | str) -> Endpoint:
    """One endpoint by id, for jobs. Raises: NotVisible."""
    found = Endpoint.objects.select_related("project").filter(pk=endpoint_id).first()
    if found is None:
        raise NotVisible("endpoint")
    return found


def endpoints(project: Project, *, kinds: tuple[str, ...] = ()) -> QuerySet[Endpoint]:
    """The project's endpoints, of these kinds when any are given."""
    rows = Endpoint.objects.filter(project=project)
    return rows.filter(kind__in=kinds) if kinds else rows


def connection_of(endpoint: Endpoint) -> Connection:
    """The endpoint opened for an adapter. Only work rooms call this, right before they connect. Raises: CannotOpen."""
    return Connection(
        url=endpoint.url,
        username=endpoint.username,
        password=open_sealed(endpoint.sealed_password, of=endpoint.name) if endpoint.sealed_password else "",
        pins=frozenset(endpoint.pins),
        name=endpoint.name,
        endpoint_id=endpoint.id,
    )


def refused_just_now(endpoint: Endpoint, at: datetime) -> bool:
    """Whether this endpoint refused its name and password so lately that trying again might lock the account."""
    return endpoint.login_refused_at is not None and at - endpoint.login_refused_at < REFUSAL_HOLDS


def require_confirmed(endpoint: Endpoint) -> None:
    """Pass when a person confirmed this endpoint's certificates. Raises: Conflict `pins_not_confirmed` (409)."""
    if not endpoint.pins:
        raise Conflict(
            f"Nobody has confirmed the certificates of {endpoint.name} yet.",
            code="pins_not_confirmed",
            next_step="Probe it, compare the fingerprints it shows, and confirm them.",
        )
