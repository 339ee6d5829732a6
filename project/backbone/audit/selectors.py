"""Reading the audit log: entries of a project, and whether its chain is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from project.backbone.accounts.models import Project
from project.backbone.audit.chain import INSTALLATION, ChainVerdict, Link, verify_links
from project.backbone.audit.models import AuditEntry


def chain_of(project: Project | None) -> str:
    return str(project.id) if project is not None else INSTALLATION


def plain(value: dict[str, Any] | None) -> Any:
    """The value as the database will give it back: ids and times as text, so that the hash is the same then."""
    return None if value is None else _exact(json.loads(json.dumps(value, cls=DjangoJSONEncoder)))


def _exact(value: Any) -> Any:
    """Fractions become text: a JSON column may give back another spelling of the same number, and the hash would differ."""
    if isinstance(value, dict):
        return {key: _exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner) for inner in value]
    return repr(value) if isinstance(value, float) else value


def entries(project: Project | None) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(chain=chain_of(project))


def verify(project: Project | None) -> ChainVerdict:
    """Whether nobody changed, removed or inserted an entry of the project's chain (the installation's for None)."""
    return verify_links(_links(project))


def _links(project: Project | None) -> Iterator[Link]:
    for entry in entries(project).order_by("number").iterator(chunk_size=1000):
        yield Link(
            chain=entry.chain, number=entry.number, at=entry.created_at, actor=entry.actor, actor_id=str(entry.actor_id or ""),
            action=entry.action, subject=entry.subject, before=entry.before, after=entry.after,
            previous_hash=entry.previous_hash, hash=entry.hash,
        )  # fmt: skip
