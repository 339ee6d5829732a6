"""Sources: create, probe, confirm, ask for a collection. Who answers at the other end is found out by jobs."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from estate.facts.codec import to_json
from estate.facts.source import SourceAbout
from migration.inventory.models import Source, SourceKind
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints import selectors as endpoint_selectors
from project.backbone.endpoints import services as endpoints
from project.backbone.jobs import services as jobs
from project.backbone.models import Job, Project
from project.backbone.problems import Invalid

LIVE_KINDS = frozenset({SourceKind.VCENTER, SourceKind.ESXI})


class KindNotSupported(Invalid):
    """This kind of source cannot be read yet."""

    code = "source_kind_not_supported"


@transaction.atomic
def create_source(
    project: Project, *, kind: str, name: str, url: str, username: str = "", password: str = "", actor: Actor
) -> Source:
    """A new source with its endpoint; nothing is contacted yet.

    Raises: RoleTooLow (operator), NotVisible, KindNotSupported (400), Invalid (URL), Conflict `name_taken` (409).
    """
    actor.require(project, Role.OPERATOR)
    if kind not in LIVE_KINDS:
        raise KindNotSupported(
            f"A source of kind {kind} cannot be read yet.",
            errors=[{"field": "kind", "code": "source_kind_not_supported", "detail": "Supported now: vcenter, esxi."}],
            next_step="Add the vCenter that manages these machines as a source of kind vcenter.",
        )
    endpoint = endpoints.create_endpoint(
        project, kind=kind, name=name, url=url, username=username, password=password, actor=actor
    )
    source = Source.objects.create(project=project, kind=kind, endpoint=endpoint)
    record(actor, "source.created", source, project=project, after={"kind": kind, "name": name})
    return source


@transaction.atomic
def change_source(source: Source, *, actor: Actor, **changes: Any) -> Source:
    """Change name, url, username or password of the source's endpoint. Another URL has to be probed and confirmed again.

    Raises: RoleTooLow (operator), NotVisible, Invalid (URL), Conflict `name_taken` (409).
    """
    endpoints.update_endpoint(source.endpoint, actor=actor, **changes)
    return source


def probe(source: Source, *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask for a job that reads certificates, version and rights. Raises: RoleTooLow (operator), NotVisible."""
    return _enqueue("inventory.probe", source, actor, idempotency_key)


def confirm(source: Source, *, tls_thumbprints: list[str], actor: Actor) -> Source:
    """Vouch for certificates the last probe showed. Raises: RoleTooLow (operator), NotVisible, Invalid."""
    endpoints.confirm_pins(source.endpoint, tls_thumbprints=tls_thumbprints, actor=actor)
    return source


def collect(source: Source, *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask for a job that makes a new inventory. While one is unfinished, that one is given.

    Raises: RoleTooLow (operator), NotVisible, Conflict `pins_not_confirmed` (409).
    """
    actor.require(source.project_id, Role.OPERATOR)
    endpoint_selectors.require_confirmed(source.endpoint)
    return _enqueue("inventory.collect", source, actor, idempotency_key)


def _enqueue(kind: str, source: Source, actor: Actor, idempotency_key: str | None) -> Job:
    actor.require(source.project_id, Role.OPERATOR)
    return jobs.enqueue(
        kind,
        project=source.project,
        params={"source_id": str(source.id)},
        actor=actor,
        subject=str(source),
        idempotency_key=idempotency_key,
        unique=f"{kind}:{source.id}",
    )


@transaction.atomic
def record_probe(
    source: Source,
    *,
    about: SourceAbout | None,
    certificates: list[dict[str, Any]],
    privileges_missing: Any,
    hosts_unread: list[dict[str, str]],
    actor: Actor,
) -> Source:
    """Write down what a probe saw. Before the source's own certificate is confirmed, `about` is None and the rights unknown."""
    endpoints.offer_certificates(source.endpoint, certificates, actor=actor)
    source.about = source.about if about is None else to_json(about)
    source.privileges_missing, source.hosts_unread = privileges_missing, hosts_unread
    source.probed_at = now()
    source.save(update_fields=["about", "privileges_missing", "hosts_unread", "probed_at"])
    record(actor, "source.probed", source, project=source.project, after={"logged_in": about is not None})
    return source
