"""Reading notices: a project's receivers, deliveries, and a receiver opened for sending."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet

from project.backbone.accounts.models import Project
from project.backbone.endpoints.sealing import open_sealed
from project.backbone.notices.models import NoticeDelivery, NoticeTarget
from project.backbone.problems import NotVisible


@dataclass(frozen=True, slots=True)
class OpenedWebhook:
    """A webhook's URL and signing secret. Kept out of `repr()`: both are secrets."""

    url: str = field(repr=False)
    secret: str = field(repr=False)


def targets(project: Project) -> QuerySet[NoticeTarget]:
    """The project's receivers by name."""
    return NoticeTarget.objects.filter(project=project).order_by("name")


def target_of_project(project: Project, target_id: UUID | str) -> NoticeTarget:
    """A receiver that must belong to this project. Raises: NotVisible (404)."""
    found = targets(project).filter(pk=target_id).first()
    if found is None:
        raise NotVisible("receiver of notices")
    return found


def deliveries(project: Project) -> QuerySet[NoticeDelivery]:
    """The project's deliveries, newest first."""
    return NoticeDelivery.objects.filter(target__project=project).select_related("target").order_by("-created_at")


def delivery(delivery_id: UUID | str) -> NoticeDelivery | None:
    """One delivery, for its job; None when it is gone."""
    return NoticeDelivery.objects.select_related("target__project").filter(pk=delivery_id).first()


def opened(target: NoticeTarget) -> OpenedWebhook:
    """Right before sending only. Raises: CannotOpen."""
    url, secret = json.loads(open_sealed(target.sealed, of=target.name))
    return OpenedWebhook(url, secret)
