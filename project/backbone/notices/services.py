"""Notices: admins set receivers up, apps tell events, and each receiver that wants one gets a delivery and a job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction

from project.backbone.accounts.models import Project
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.endpoints.pins import NotAPin, canonical_pin
from project.backbone.endpoints.sealing import seal
from project.backbone.jobs.services import IdempotencyKey, enqueue, job_of_key
from project.backbone.models import Job
from project.backbone.notices import catalogue, selectors
from project.backbone.notices.addresses import Refused, checked_addresses, checked_webhook
from project.backbone.notices.models import DeliveryState, NoticeDelivery, NoticeTarget, TargetKind
from project.backbone.notices.signing import new_secret
from project.backbone.problems import Conflict, Invalid

DELIVER = "backbone.deliver_notice"
MOST_ATTEMPTS = 10
LONGEST_PAUSE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try ended: `error` is empty when it arrived; `is_final` when no further try can help."""

    error: str = ""
    http_status: int | None = None
    is_final: bool = False


def add_target(
    project: Project,
    *,
    kind: str,
    name: str,
    events: Sequence[str],
    url: str = "",
    secret: str = "",
    tls_sha256: str = "",
    addresses: Sequence[str] = (),
    actor: Actor,
) -> tuple[NoticeTarget, str]:
    """A new receiver, and a webhook's signing secret: given, or made here. It is told this once and never again.

    Raises: RoleTooLow (admin), NotVisible, Invalid (URL, addresses, events), Conflict `name_taken`, `mail_not_configured` (409).
    """
    actor.require(project, Role.ADMIN)
    target = NoticeTarget(project=project, kind=TargetKind(kind), name=name, created_by_id=actor.user_id)
    target.events = _checked_events(events)
    told = ""
    if target.kind == TargetKind.WEBHOOK:
        told = secret or new_secret()
        _point(target, url, told)
        target.tls_sha256 = _checked_pin(tls_sha256)
    else:
        _require_mail()
        _address(target, addresses)
    with transaction.atomic():
        _save(target, force_insert=True)
        record(actor, "notice_target.added", target, project=project, after=_public(target))
    return target, told


def change_target(target: NoticeTarget, *, changes: Mapping[str, Any], actor: Actor) -> NoticeTarget:
    """Change what is given: name, events, enabled, url, secret, tls_sha256, addresses.

    Raises: RoleTooLow (admin), NotVisible, Invalid, Conflict `name_taken` (409), CannotOpen.
    """
    actor.require(target.project_id, Role.ADMIN)
    before = _public(target)
    target.name = changes.get("name", target.name)
    target.enabled = changes.get("enabled", target.enabled)
    target.events = _checked_events(changes["events"]) if "events" in changes else target.events
    if target.kind == TargetKind.WEBHOOK:
        if "url" in changes or "secret" in changes:
            is_whole = "url" in changes and "secret" in changes
            known = None if is_whole else selectors.opened(target)
            _point(target, changes.get("url", known.url if known else ""), changes.get("secret", known.secret if known else ""))
        target.tls_sha256 = _checked_pin(changes["tls_sha256"]) if "tls_sha256" in changes else target.tls_sha256
    elif "addresses" in changes:
        _address(target, changes["addresses"])
    with transaction.atomic():
        _save(target)
        after = _public(target) | ({"secret": "changed"} if "secret" in changes else {})
        record(actor, "notice_target.changed", target, project=target.project, before=before, after=after)
    return target


def remove_target(target: NoticeTarget, *, actor: Actor) -> None:
    """Tell this receiver nothing any more; its deliveries go with it. Raises: RoleTooLow (admin), NotVisible."""
    actor.require(target.project_id, Role.ADMIN)
    with transaction.atomic():
        record(actor, "notice_target.removed", target, project=target.project, before=_public(target))
        target.delete()


def ask_for_test(target: NoticeTarget, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for a delivery that says nothing but that it arrives. Raises: RoleTooLow (admin), NotVisible."""
    actor.require(target.project_id, Role.ADMIN)
    earlier = job_of_key(idempotency_key, project=target.project, actor=actor)
    if earlier is not None:
        return earlier
    text = f"This is a test of the receiver {target.name}, asked for by {actor.username}."
    with transaction.atomic():
        record(actor, "notice_target.tested", target, project=target.project)
        row = _deliver(target, catalogue.TEST, "A test", text, {})
        return _enqueued(row, actor, idempotency_key)


def tell(project: Project, event: str, *, subject: str, text: str, data: Mapping[str, Any], actor: Actor) -> int:
    """Tell every receiver that wants this event, as part of the caller's transaction; how many they are.

    `subject` is one line, `text` plain sentences, `data` JSON for machines. Never put secrets in.
    """
    wanting = [target for target in selectors.targets(project).filter(enabled=True) if event in target.events]
    with transaction.atomic():
        for target in wanting:
            _enqueued(_deliver(target, event, subject, text, data), actor)
    return len(wanting)


def _deliver(target: NoticeTarget, event: str, subject: str, text: str, data: Mapping[str, Any]) -> NoticeDelivery:
    row = NoticeDelivery(id=uuid4(), target=target, event=event)
    row.body = {
        "id": str(row.id),
        "event": event,
        "at": now().isoformat(),
        "project": {"id": str(target.project_id), "name": target.project.name},
        "subject": " ".join(subject.split()),
        "text": text,
        "data": dict(data),
    }
    row.save(force_insert=True)
    return row


def _enqueued(row: NoticeDelivery, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    return enqueue(
        DELIVER,
        project=row.target.project,
        params={"delivery_id": str(row.id)},
        actor=actor,
        subject=f"{row.event} to {row.target.name}",
        unique=f"{DELIVER}:{row.id}",
        idempotency_key=idempotency_key,
    )


def note_attempt(row: NoticeDelivery, attempt: Attempt) -> float | None:
    """Keep how a try ended; the pause in seconds before the next one, None when there is none."""
    row.attempts += 1
    row.tried_at, row.error, row.http_status = now(), attempt.error[:500], attempt.http_status
    if not attempt.error:
        row.state = DeliveryState.DELIVERED
    elif attempt.is_final or row.attempts >= MOST_ATTEMPTS:
        row.state = DeliveryState.FAILED
    row.ended_at = None if row.state == DeliveryState.WAITING else now()
    row.save()
    return _pause_s(row.attempts) if row.state == DeliveryState.WAITING else None


def _pause_s(attempts: int) -> float:
    return float(min(LONGEST_PAUSE_S, settings.NOTICE_RETRY_S * 2 ** (attempts - 1)))


def give_up(row: NoticeDelivery, because: str) -> None:
    """Its job was stopped: nothing tries any more."""
    NoticeDelivery.objects.filter(pk=row.pk, state=DeliveryState.WAITING).update(
        state=DeliveryState.FAILED, error=because[:500], ended_at=now()
    )


def _point(target: NoticeTarget, url: str, secret: str) -> None:
    try:
        parts = checked_webhook(url, allow_loopback=settings.NOTICE_LOOPBACK)
    except Refused as why:
        raise _unusable("url", f"The URL cannot be used: {why}.", "Write https://host/path of the receiver.") from None
    target.sealed = seal(json.dumps([url.strip(), secret]))
    target.shown = f"{parts.scheme}://{parts.netloc}"


def _address(target: NoticeTarget, addresses: Sequence[str]) -> None:
    try:
        target.addresses = checked_addresses(addresses)
    except Refused as why:
        raise _unusable("addresses", f"The addresses cannot be used: {why}.", "Write each as name@host.") from None
    target.shown = ", ".join(target.addresses)[:500]


def _checked_events(events: Sequence[str]) -> list[str]:
    strange = sorted(set(events) - catalogue.events().keys())
    if strange or not events:
        what = f"There is no event {', '.join(strange)}." if strange else "Name at least one event."
        raise _unusable("events", what, f"Choose among {', '.join(catalogue.events())}.")
    return sorted(set(events))


def _checked_pin(text: str) -> str:
    try:
        return canonical_pin(text) if text else ""
    except NotAPin as wrong:
        raise _unusable("tls_sha256", str(wrong), "Copy the SHA-256 of the receiver's own certificate.") from None


def _require_mail() -> None:
    if not settings.MAIL_CONFIGURED:
        raise Conflict(
            "This installation has no mail server, so it cannot send mail.",
            code="mail_not_configured",
            next_step="Set XENBOUND_SMTP_HOST and XENBOUND_MAIL_FROM and start the service again, or use a webhook.",
        )


def _unusable(field: str, detail: str, next_step: str) -> Invalid:
    return Invalid(detail, errors=[{"field": field, "code": "unusable", "detail": detail}], next_step=next_step)


def _save(target: NoticeTarget, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            target.save(force_insert=force_insert)
    except IntegrityError:
        raise Conflict(
            f"The project already has a receiver named {target.name}.", code="name_taken", next_step="Give it another name."
        ) from None


def _public(target: NoticeTarget) -> dict[str, Any]:
    named = {"name": target.name, "kind": str(target.kind), "address": target.shown, "events": list(target.events)}
    return {**named, "enabled": target.enabled, "tls_sha256": target.tls_sha256}
