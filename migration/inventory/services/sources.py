"""Sources: create, change, probe, confirm, ask for a collection. Who answers at the other end is found out by jobs."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from estate.facts.codec import to_json
from estate.facts.source import SourceAbout
from migration.inventory.models import Source, SourceKind
from migration.inventory.services import files
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints import selectors as endpoint_selectors
from project.backbone.endpoints import services as endpoints
from project.backbone.jobs import services as jobs
from project.backbone.models import Endpoint, Job, Project
from project.backbone.problems import Conflict, Invalid

SERVER_KINDS = frozenset({SourceKind.VCENTER, SourceKind.ESXI})


@transaction.atomic
def create_source(
    project: Project, *, kind: str, name: str, url: str = "", username: str = "", password: str = "", path: str = "", actor: Actor
) -> Source:
    """A new source: a server with its endpoint, or a file by its path. Nothing is contacted yet.

    Raises: RoleTooLow (operator), NotVisible, Invalid (URL, path), Conflict `name_taken` (409).
    """
    actor.require(project, Role.OPERATOR)
    if kind in SERVER_KINDS:
        _refuse(kind, path=path)
        endpoint = endpoints.create_endpoint(
            project, kind=kind, name=name, url=url, username=username, password=password, actor=actor
        )
        source = Source.objects.create(project=project, kind=kind, endpoint=endpoint)
    else:
        _refuse(kind, url=url, username=username, password=password)
        source = Source(project=project, kind=kind, name=name)
        _point(source, path)
        files.saved(source)
    record(actor, "source.created", source, project=project, after={"kind": kind, "name": name})
    return source


def _point(source: Source, path: str) -> None:
    """Set the path of a package; a workbook is uploaded instead. Raises: Invalid."""
    if source.kind == SourceKind.RVTOOLS:
        _refuse(source.kind, path=path)
    else:
        source.path = files.checked(path)


def _refuse(kind: str, **values: str) -> None:
    """Values that a source of this kind has no use for are refused, not dropped. Raises: Invalid."""
    given = [field for field, value in values.items() if value]
    if given:
        detail = f"A source of kind {kind} has no {' and no '.join(given)}."
        raise Invalid(
            detail,
            errors=[{"field": field, "code": "not_for_this_kind", "detail": detail} for field in given],
            next_step="Leave it out, or choose another kind.",
        )


@transaction.atomic
def change_source(source: Source, *, actor: Actor, **changes: str) -> Source:
    """Change name, url, username or password of a server, name or path of a file. Another URL has to be confirmed again.

    Raises: RoleTooLow (operator), NotVisible, Invalid (URL, path), Conflict `name_taken` (409).
    """
    actor.require(source.project_id, Role.OPERATOR)
    if source.endpoint is not None:
        _refuse(source.kind, path=changes.pop("path", ""))
        endpoints.update_endpoint(source.endpoint, actor=actor, **changes)
        return source
    _refuse(source.kind, **{field: value for field, value in changes.items() if field not in ("name", "path")})
    before = {"name": source.name, "path": source.path}
    source.name = changes.get("name", source.name)
    if "path" in changes:
        _point(source, changes["path"])
    files.saved(source)
    after = {"name": source.name, "path": source.path}
    record(actor, "source.changed", source, project=source.project, before=before, after=after)
    return source


def endpoint_of(source: Source) -> Endpoint:
    """The server behind a source. Raises: Conflict `source_is_a_file` (409)."""
    if source.endpoint is None:
        raise Conflict(
            f"{source} is a file: it has no server to probe and no certificate to confirm.",
            code="source_is_a_file",
            next_step="Collect it at once.",
        )
    return source.endpoint


def probe(source: Source, *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask for a job that reads certificates, version and rights.

    Raises: RoleTooLow (operator), NotVisible, Conflict `source_is_a_file` (409).
    """
    actor.require(source.project_id, Role.OPERATOR)
    endpoint_of(source)
    return _enqueue("inventory.probe", source, actor, idempotency_key)


def confirm(source: Source, *, tls_thumbprints: list[str], actor: Actor) -> Source:
    """Vouch for certificates the last probe showed.

    Raises: RoleTooLow (operator), NotVisible, Invalid, Conflict `source_is_a_file` (409).
    """
    actor.require(source.project_id, Role.OPERATOR)
    endpoints.confirm_pins(endpoint_of(source), tls_thumbprints=tls_thumbprints, actor=actor)
    return source


def collect(source: Source, *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask for a job that makes a new inventory. While one is unfinished, that one is given.

    Raises: RoleTooLow (operator), NotVisible, Conflict `pins_not_confirmed` or `no_workbook` (409).
    """
    actor.require(source.project_id, Role.OPERATOR)
    if source.endpoint is not None:
        endpoint_selectors.require_confirmed(source.endpoint)
    elif not source.path:
        raise Conflict(
            f"{source} has no workbook yet.",
            code="no_workbook",
            next_step="Upload the workbook that RVTools exported, then collect.",
        )
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
    endpoints.offer_certificates(endpoint_of(source), certificates, actor=actor)
    source.about = source.about if about is None else to_json(about)
    source.privileges_missing, source.hosts_unread = privileges_missing, hosts_unread
    source.probed_at = now()
    source.save(update_fields=["about", "privileges_missing", "hosts_unread", "probed_at"])
    record(actor, "source.probed", source, project=source.project, after={"logged_in": about is not None})
    return source
