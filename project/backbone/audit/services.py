"""Writing the audit log: one entry per change, inside the caller's transaction, chained to the entry before it.

Reading and verifying are in selectors.py (`verify` is offered here too, where callers look for it).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import IntegrityError, models, transaction

from project.backbone.accounts.models import Project
from project.backbone.accounts.policy import Actor
from project.backbone.audit.chain import FIRST, ChainVerdict, Link
from project.backbone.audit.models import AuditEntry
from project.backbone.audit.selectors import chain_of, plain, verify
from project.backbone.clock import now

__all__ = ["ChainVerdict", "NumberTaken", "record", "verify"]

TRIES = 100


class NumberTaken(Exception):
    """A hundred writers in a row took the next number of one chain first. Repeat the request."""


def record(
    actor: Actor,
    action: str,
    subject: object,
    *,
    project: Project | None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Append one entry to the project's chain (to the installation's when `project` is None).

    `subject` is a model row (written as `kind id`) or a text. Values of `before` and `after` are made plain JSON.
    Two writers may want the same number: the database lets one through, the other reads the new head and repeats.
    """
    link = Link(
        chain=chain_of(project), number=0, at=now(), actor=actor.username[:200], actor_id=str(actor.user_id or ""),
        action=action, subject=_subject_text(subject), before=plain(before), after=plain(after), previous_hash="",
    )  # fmt: skip
    with transaction.atomic():
        for _ in range(TRIES):
            if _append(link, project, actor):
                return
    raise NumberTaken(link.chain)


def _append(link: Link, project: Project | None, actor: Actor) -> bool:
    head = AuditEntry.objects.filter(chain=link.chain).order_by("-number").values_list("number", "hash").first()
    number, previous = head or (0, FIRST)
    chained = replace(link, number=number + 1, previous_hash=previous)
    try:
        with transaction.atomic():
            AuditEntry.objects.create(
                project=project, chain=chained.chain, number=chained.number, created_at=chained.at, actor=chained.actor,
                actor_id=actor.user_id, action=chained.action, subject=chained.subject, before=chained.before,
                after=chained.after, previous_hash=chained.previous_hash, hash=chained.computed_hash(),
            )  # fmt: skip
    except IntegrityError:
        return False
    return True


def _subject_text(subject: object) -> str:
    if isinstance(subject, models.Model):
        return f"{subject._meta.model_name} {subject.pk}"
    return str(subject)[:300]
