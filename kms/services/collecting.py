"""How a KMS host is collected over WinRM: set by people, certificate confirmed by people, asked for by them or by schedule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from kms.models import KmsAuth, KmsCollection, KmsHost
from kms.selectors.collecting import collection_of, required_collection
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints import services as endpoints
from project.backbone.endpoints.selectors import require_confirmed
from project.backbone.jobs.services import IdempotencyKey, enqueue
from project.backbone.models import Endpoint, Job
from project.backbone.problems import Invalid

PROBE, COLLECT = "kms.probe_host", "kms.collect_host"
WINRM_PORT = 5986
_CONFIGURATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_OWN = ("auth", "configuration", "timeout_s", "every_hours")


@transaction.atomic
def set_collection(host: KmsHost, *, changes: Mapping[str, Any], actor: Actor) -> KmsCollection:
    """Set or change how a host is collected; what is not given stays. Another URL drops the confirmed certificate.

    `changes`: url, username, secret (password, or PEM of certificate and key), and the columns of KmsCollection. The secret is
    sealed and never shown again. Raises: RoleTooLow (operator), NotVisible, Invalid by field.
    """
    actor.require(host.project_id, Role.OPERATOR)
    known = collection_of(host)
    row = known or KmsCollection(host=host)
    before = {name: getattr(row, name) for name in _OWN}
    for name in _OWN:
        setattr(row, name, changes.get(name, getattr(row, name)))
    _check(row, changes, is_new=known is None or host.endpoint is None, auth_before=str(before["auth"]))
    host.endpoint = _endpoint(host, changes, actor)
    host.save(update_fields=["endpoint"])
    row.host = host
    row.save()
    after = {name: getattr(row, name) for name in _OWN}
    record(actor, "kms.collection_set", row, project=host.project, before=before if known else None, after=after)
    return row


@transaction.atomic
def stop_collection(host: KmsHost, *, actor: Actor) -> None:
    """Collect the host no more, and forget its address and secret. Readings stay. Done twice it changes nothing.

    Raises: RoleTooLow (operator), NotVisible.
    """
    actor.require(host.project_id, Role.OPERATOR)
    row = collection_of(host)
    if row is None:
        return
    record(actor, "kms.collection_stopped", row, project=host.project, before={"host": host.name})
    endpoint = row.host.endpoint
    row.delete()
    if endpoint is not None:
        endpoint.delete()


def request_probe(host: KmsHost, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the job that shows the host's certificate. Raises: RoleTooLow (operator), NotVisible, Conflict (409)."""
    actor.require(host.project_id, Role.OPERATOR)
    row, _ = required_collection(host)
    return _enqueued(PROBE, row, actor, idempotency_key)


def confirm(host: KmsHost, *, tls_thumbprints: list[str], actor: Actor) -> KmsCollection:
    """A person vouches for what the last probe showed. Raises: RoleTooLow (operator), NotVisible, Invalid, Conflict."""
    row, endpoint = required_collection(host)
    endpoints.confirm_pins(endpoint, tls_thumbprints=tls_thumbprints, actor=actor)
    return row


def request_collect(host: KmsHost, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for a reading of the host. Raises: RoleTooLow (operator), NotVisible, Conflict `kms_collection_not_set`,
    `pins_not_confirmed` (409)."""
    actor.require(host.project_id, Role.OPERATOR)
    row, endpoint = required_collection(host)
    require_confirmed(endpoint)
    return ask_collect(row, actor=actor, idempotency_key=idempotency_key)


@transaction.atomic
def ask_collect(row: KmsCollection, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """The same for whoever may ask already: the schedule."""
    KmsCollection.objects.filter(pk=row.pk).update(asked_at=now())
    return _enqueued(COLLECT, row, actor, idempotency_key)


def note_success(row: KmsCollection) -> None:
    """The host's reading came; earlier failures are over."""
    KmsCollection.objects.filter(pk=row.pk).update(collected_at=now(), failed=None, failed_at=None)


def note_failure(row: KmsCollection, error: Mapping[str, Any]) -> None:
    """Keep why the newest attempt failed: `{code, message, next_step}`."""
    kept = {name: str(error.get(name, "")) for name in ("code", "message", "next_step")}
    KmsCollection.objects.filter(pk=row.pk).update(failed=kept, failed_at=now())


def winrm_url(url: str) -> str:
    """The address with WinRM's own port where none is given. Raises: Invalid unless it is https with a host."""
    checked = endpoints.checked_url(url)
    parts = urlsplit(checked)
    if parts.scheme != "https" or parts.path or parts.query or parts.fragment:
        raise _invalid("url", "A KMS host is collected over HTTPS: write https://host or https://host:port.")
    return checked if parts.port else f"{checked}:{WINRM_PORT}"


def _check(row: KmsCollection, changes: Mapping[str, Any], *, is_new: bool, auth_before: str) -> None:
    if not _CONFIGURATION.fullmatch(row.configuration):
        raise _invalid("configuration", "A session configuration's name has letters, digits, dots, hyphens and underscores only.")
    if is_new and not changes.get("url"):
        raise _invalid("url", "The host's address is needed, https://host or https://host:port.")
    if (is_new or row.auth != auth_before) and not changes.get("secret"):
        raise _invalid("secret", "A password is needed, or for a certificate its PEM text with the key.")
    if row.auth == KmsAuth.CERTIFICATE and changes.get("secret") and "-----BEGIN CERTIFICATE-----" not in changes["secret"]:
        raise _invalid("secret", "This is no PEM text of a certificate and its key.")
    if row.auth != KmsAuth.CERTIFICATE and is_new and not changes.get("username"):
        raise _invalid("username", "A name is needed, written as DOMAIN\\name.")


def _endpoint(host: KmsHost, changes: Mapping[str, Any], actor: Actor) -> Endpoint:
    url = winrm_url(changes["url"]) if changes.get("url") else None
    if host.endpoint is not None:
        return endpoints.update_endpoint(
            host.endpoint, url=url, username=changes.get("username"), password=changes.get("secret"), actor=actor
        )
    assert url is not None
    return endpoints.create_endpoint(
        host.project,
        kind="kms",
        name=f"{host.name[:150]} ({str(host.pk)[:8]})",  # names of endpoints are unique, those of retired hosts come back
        url=url,
        username=changes.get("username", ""),
        password=changes.get("secret", ""),
        actor=actor,
    )


def _enqueued(kind: str, row: KmsCollection, actor: Actor, idempotency_key: IdempotencyKey | None) -> Job:
    return enqueue(
        kind,
        project=row.host.project,
        params={"host_id": str(row.host_id)},
        actor=actor,
        subject=f"KMS host {row.host.name}",
        idempotency_key=idempotency_key,
        unique=f"{kind}:{row.host_id}",
    )


def _invalid(field: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[{"field": field, "code": "not_usable", "detail": detail}])
