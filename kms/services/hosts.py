"""KMS hosts of a project: added, retired."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction

from kms.models import KmsHost
from kms.services.collecting import stop_collection
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.models import Endpoint, Project
from project.backbone.problems import Conflict, Invalid


def add_host(project: Project, *, name: str, legacy: bool = False, endpoint_id: UUID | None = None, actor: Actor) -> KmsHost:
    """A KMS host under the name the customer gives it; its readings come by upload.

    Raises: RoleTooLow (operator), NotVisible, Conflict `name_taken` (409), Invalid (endpoint of another kind or project).
    """
    actor.require(project, Role.OPERATOR)
    host = KmsHost(project=project, name=name, legacy=legacy, endpoint=_endpoint(project, endpoint_id))
    with transaction.atomic():
        _insert(host)
        record(actor, "kms.host_added", host, project=project, after={"name": name, "legacy": legacy})
    return host


def retire_host(host: KmsHost, *, actor: Actor) -> None:
    """The host counts for nobody any more; its readings stay, address and secret of its collection are forgotten. Retiring it
    twice changes nothing.

    Raises: RoleTooLow (operator), NotVisible.
    """
    actor.require(host.project_id, Role.OPERATOR)
    with transaction.atomic():
        # The name is given free for a successor: a retired host keeps it with its id behind.
        freed = f"{host.name[:160]} ({host.pk})"
        stop_collection(host, actor=actor)
        if KmsHost.objects.filter(pk=host.pk, retired_at=None).update(retired_at=now(), name=freed):
            record(actor, "kms.host_retired", host, project=host.project, before={"name": host.name})


def _insert(host: KmsHost) -> None:
    try:
        with transaction.atomic():
            host.save(force_insert=True)
    except IntegrityError:
        raise Conflict(
            f"The project already has a KMS host named {host.name}.",
            code="name_taken",
            next_step="Upload the reading to that host, or give this one another name.",
        ) from None


def _endpoint(project: Project, endpoint_id: UUID | None) -> Endpoint | None:
    if endpoint_id is None:
        return None
    found = Endpoint.objects.filter(pk=endpoint_id, project=project, kind="kms").first()
    if found is None:
        detail = "There is no endpoint of kind kms with this id in the project."
        raise Invalid(detail, errors=[{"field": "endpoint", "code": "not_an_endpoint", "detail": detail}])
    return found
