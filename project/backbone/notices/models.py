"""The tables of notices: where to, and each delivery. URLs and secrets are sealed; what is shown of a URL is its origin."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from project.backbone.accounts.models import Project, User
from project.backbone.identified import Identified


class TargetKind(models.TextChoices):
    WEBHOOK = "webhook"
    EMAIL = "email"


class DeliveryState(models.TextChoices):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class NoticeTarget(Identified):
    """A receiver of notices. `sealed` is a webhook's URL and signing secret; `shown` its origin, or the mail addresses.

    `events` names what is told there; `tls_sha256` is a webhook's pinned certificate, empty where its chain is verified.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="notice_targets")
    kind = models.CharField(max_length=16, choices=TargetKind.choices)
    name = models.CharField(max_length=200)
    shown = models.CharField(max_length=500)
    sealed = models.TextField(blank=True)
    addresses = models.JSONField(default=list)
    tls_sha256 = models.CharField(max_length=95, blank=True)
    events = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="notice_target_name_per_project")]

    def __str__(self) -> str:
        return self.name


class NoticeDelivery(Identified):
    """One notice to one receiver: `body` as it is sent, how often it was tried, and how the last try ended."""

    target = models.ForeignKey(NoticeTarget, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=64)
    body = models.JSONField()
    state = models.CharField(max_length=16, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    http_status = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=500, blank=True)
    tried_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        verbose_name_plural = "notice deliveries"

    def __str__(self) -> str:
        return f"{self.event} to {self.target_id}: {self.state}"
