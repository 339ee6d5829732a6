"""Endpoints: create and edit them, store the certificates a probe saw, confirm pins. Passwords are sealed on the way in.

Talking to an endpoint is the work rooms' task (`selectors.connection_of`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from project.backbone.accounts.models import Project
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints.models import Endpoint, EndpointKind
from project.backbone.endpoints.pins import NotAPin, canonical_pin, unseen
from project.backbone.endpoints.sealing import seal
from project.backbone.problems import Conflict, Invalid


def create_endpoint(
    project: Project, *, kind: str, name: str, url: str, username: str = "", password: str = "", actor: Actor
) -> Endpoint:
    """A new endpoint with its password sealed. Nothing is contacted yet; probe it next.

    Raises: RoleTooLow (operator), NotVisible, Invalid (URL), Conflict `name_taken` (409).
    """
    actor.require(project, Role.OPERATOR)
    endpoint = Endpoint(
        project=project,
        kind=EndpointKind(kind),
        name=name,
        url=checked_url(url),
        username=username,
        sealed_password=_sealed(password),
    )
    with transaction.atomic():
        _save(endpoint, force_insert=True)
        record(actor, "endpoint.created", endpoint, project=project, after=_public(endpoint))
    return endpoint


def update_endpoint(
    endpoint: Endpoint,
    *,
    name: str | None = None,
    url: str | None = None,
    username: str | None = None,
    password: str | None = None,
    actor: Actor,
) -> Endpoint:
    """Change what is given. Another URL means another machine: its confirmed pins are dropped and have to be confirmed again.

    Raises: RoleTooLow (operator), NotVisible, Invalid (URL), Conflict `name_taken` (409).
    """
    actor.require(endpoint.project_id, Role.OPERATOR)
    before = _public(endpoint)
    if (url, username, password) != (None, None, None):
        endpoint.login_refused_at = None
    endpoint.name = endpoint.name if name is None else name
    endpoint.username = endpoint.username if username is None else username
    if password is not None:
        endpoint.sealed_password = _sealed(password)
    if url is not None and checked_url(url) != endpoint.url:
        endpoint.url = checked_url(url)
        endpoint.pins, endpoint.offered_pins = [], []
        endpoint.pins_confirmed_at = endpoint.pins_confirmed_by = None
    with transaction.atomic():
        _save(endpoint)
        after = _public(endpoint) | ({"password": "changed"} if password is not None else {})
        record(actor, "endpoint.changed", endpoint, project=endpoint.project, before=before, after=after)
    return endpoint


def note_login_refused(endpoint: Endpoint) -> None:
    """Remember that name and password were refused just now, for every job and worker that would try them next."""
    Endpoint.objects.filter(pk=endpoint.pk).update(login_refused_at=now())


def offer_certificates(endpoint: Endpoint, offered: Iterable[Mapping[str, Any]], *, actor: Actor) -> Endpoint:
    """Store what a probe saw, `{subject, sha256, sha1?, address, not_after?}` each. Confirms nothing: a person has to."""
    endpoint.offered_pins = [{**certificate, "sha256": canonical_pin(certificate["sha256"])} for certificate in offered]
    endpoint.offered_at = now()
    with transaction.atomic():
        endpoint.save(update_fields=["offered_pins", "offered_at"])
        seen = sorted({certificate["sha256"] for certificate in endpoint.offered_pins})
        record(actor, "endpoint.certificates_seen", endpoint, project=endpoint.project, after={"sha256": seen})
    return endpoint


def confirm_pins(endpoint: Endpoint, *, tls_thumbprints: list[str], actor: Actor) -> Endpoint:
    """A person compared the fingerprints and vouches for them: from now on only these certificates are talked to.

    Raises: RoleTooLow (operator), NotVisible, Invalid when a thumbprint is malformed or was not seen by the last probe.
    """
    actor.require(endpoint.project_id, Role.OPERATOR)
    pins = sorted({_checked_pin(text) for text in tls_thumbprints})
    if not pins:
        raise _pin_error("Name at least one thumbprint.", "Probe the endpoint and confirm the certificates it showed.")
    strangers = unseen(pins, endpoint.offered_pins)
    if strangers:
        raise _pin_error(
            f"{endpoint.name} did not show a certificate with {', '.join(strangers)} at the last probe.",
            "Probe again and compare the fingerprints with the ones on the machine's own console.",
        )
    before = {"pins": endpoint.pins}
    endpoint.pins, endpoint.pins_confirmed_at, endpoint.pins_confirmed_by_id = pins, now(), actor.user_id
    with transaction.atomic():
        endpoint.save(update_fields=["pins", "pins_confirmed_at", "pins_confirmed_by"])
        record(actor, "endpoint.pins_confirmed", endpoint, project=endpoint.project, before=before, after={"pins": pins})
    return endpoint


def checked_url(url: str) -> str:
    """The URL without a trailing slash. Raises: Invalid unless it is https (or http) with a host and without credentials."""
    try:
        parts = urlsplit(url.strip())
        port_fits = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        parts, port_fits = urlsplit(""), False
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or not port_fits:
        raise Invalid(
            f"{url[:200]!r} is not the URL of an endpoint.",
            errors=[{"field": "url", "code": "not_a_url", "detail": "An endpoint's URL is https://host or https://host:port."}],
            next_step="Write https://host or https://host:port; user name and password have their own fields.",
        )
    return url.strip().rstrip("/")


def _save(endpoint: Endpoint, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            endpoint.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(
            f"The project already has a {endpoint.kind} named {endpoint.name}.",
            code="name_taken",
            next_step="Give it another name.",
        ) from None


def _sealed(password: str) -> str:
    return seal(password) if password else ""


def _checked_pin(text: str) -> str:
    try:
        return canonical_pin(text)
    except NotAPin as wrong:
        raise _pin_error(str(wrong), "Copy the thumbprint as the probe shows it.") from None


def _pin_error(detail: str, next_step: str) -> Invalid:
    return Invalid(detail, errors=[{"field": "tls_thumbprints", "code": "unknown_pin", "detail": detail}], next_step=next_step)


def _public(endpoint: Endpoint) -> dict[str, Any]:
    named = {"kind": str(endpoint.kind), "name": endpoint.name, "url": endpoint.url, "username": endpoint.username}
    return {**named, "pins": list(endpoint.pins)}
