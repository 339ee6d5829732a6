"""The way to a project's KMS hosts: its settings, the job that looks, and what the job saw written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from estate.errors import EdgeError
from estate.facts.codec import to_json
from estate.facts.kms_network import PortTry, SrvAnswer, resolver_address
from kms.models import KmsLookup, KmsNetworkSettings, KmsPortTry
from kms.selectors.network import network_settings
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs.services import IdempotencyKey, enqueue
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict, Invalid

LOOK_AROUND = "kms.look_around"
KEPT_FOR = timedelta(days=30)
MOST_DOMAINS, MOST_RESOLVERS = 50, 5
_DOMAIN = re.compile(r"(?=.{1,240}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FIELDS = ("domains", "resolvers", "timeout_s", "every_hours")


def change_network_settings(project: Project, *, changes: Mapping[str, Any], actor: Actor) -> KmsNetworkSettings:
    """Set domains, resolvers, timeout and schedule; what is not given stays.

    Raises: RoleTooLow (operator), NotVisible, Invalid (a domain or resolver that cannot be one).
    """
    actor.require(project, Role.OPERATOR)
    row = network_settings(project)
    before = _told(row)
    for name in _FIELDS:
        setattr(row, name, changes.get(name, getattr(row, name)))
    row.domains = _domains(row.domains)
    row.resolvers = _resolvers(row.resolvers)
    with transaction.atomic():
        row, _ = KmsNetworkSettings.objects.update_or_create(project=project, defaults=_told(row))
        record(actor, "kms.network_settings_changed", row, project=project, before=before, after=_told(row))
    return row


def request_look(project: Project, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the job that asks DNS and tries the hosts' ports. Raises: RoleTooLow (operator), NotVisible."""
    actor.require(project, Role.OPERATOR)
    return ask_look(project, actor=actor, idempotency_key=idempotency_key)


def ask_look(project: Project, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """The same for whoever may ask already: the schedule."""
    with transaction.atomic():
        KmsNetworkSettings.objects.filter(project=project).update(asked_at=now())
        return enqueue(
            LOOK_AROUND,
            project=project,
            params={},
            actor=actor,
            subject="the way to KMS",
            idempotency_key=idempotency_key,
            unique=f"{LOOK_AROUND}:{project.pk}",
        )


def keep_lookup(project: Project, domain: str, seen: SrvAnswer | EdgeError) -> KmsLookup:
    """Write down what DNS answered, or why it did not."""
    failed = seen if isinstance(seen, EdgeError) else None
    return KmsLookup.objects.create(
        project=project,
        domain=domain,
        looked_at=now(),
        answer=None if isinstance(seen, EdgeError) else to_json(seen),
        failed_code="" if failed is None else failed.code,
        failed_because="" if failed is None else failed.message[:500],
    )


def keep_try(project: Project, tried: PortTry) -> KmsPortTry:
    """Write down what became of an attempt to connect."""
    return KmsPortTry.objects.create(
        project=project,
        name=tried.name[:255],
        port=tried.port,
        tried_at=now(),
        outcome=tried.outcome.value,
        timeout_s=tried.timeout_s,
        took_s=tried.took_s,
        detail=tried.detail[:300],
    )


def note_look(project: Project, told: dict[str, Any], *, actor: Actor) -> None:
    """The audit's entry of a look that is done: how much was asked and answered."""
    record(actor, "kms.looked_around", project, project=project, after=told)


def drop_old_looks(project: Project) -> None:
    """Forget lookups and tries of more than 30 days ago; the newest of each is never that old where a schedule runs."""
    before = now() - KEPT_FOR
    KmsLookup.objects.filter(project=project, looked_at__lt=before).delete()
    KmsPortTry.objects.filter(project=project, tried_at__lt=before).delete()


def require_something(domains: tuple[str, ...], targets: tuple[tuple[str, int], ...]) -> None:
    """Raises: Conflict `kms_nothing_to_look_at` without a domain to ask and a host to try."""
    if not domains and not targets:
        raise Conflict(
            "There is neither a domain to ask nor a KMS host to try.",
            code="kms_nothing_to_look_at",
            next_step="Set the domains of the Windows machines, or add a KMS host.",
        )


def _told(row: KmsNetworkSettings) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _FIELDS}


def _domains(domains: list[str]) -> list[str]:
    wanted = list(dict.fromkeys(domain.strip().rstrip(".").lower() for domain in domains))
    wrong = next((domain for domain in wanted if not _DOMAIN.fullmatch(domain)), None)
    if wrong is not None or len(wanted) > MOST_DOMAINS:
        raise _invalid(
            "domains", f"{wrong[:80]!r} is no domain name." if wrong is not None else f"At most {MOST_DOMAINS} domains."
        )
    return wanted


def _resolvers(resolvers: list[str]) -> list[str]:
    wanted = list(dict.fromkeys(each.strip() for each in resolvers))
    wrong = next((each for each in wanted if not _is_resolver(each)), None)
    if wrong is not None or len(wanted) > MOST_RESOLVERS:
        detail = f"{wrong[:80]!r} is no address of a resolver." if wrong is not None else f"At most {MOST_RESOLVERS} resolvers."
        raise _invalid("resolvers", detail)
    return wanted


def _is_resolver(text: str) -> bool:
    try:
        resolver_address(text)
    except ValueError:
        return False
    return True


def _invalid(field: str, detail: str) -> Invalid:
    return Invalid(detail, errors=[{"field": field, "code": "not_usable", "detail": detail}])
