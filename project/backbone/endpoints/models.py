"""The endpoint table: one row for every system the product talks to. Passwords are stored sealed (sealing.py), never plain."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from project.backbone.accounts.models import Project, User
from project.backbone.identified import Identified


class EndpointKind(models.TextChoices):
    VCENTER = "vcenter"
    ESXI = "esxi"
    POOL = "pool"
    KMS = "kms"


class Endpoint(Identified):
    """A vCenter, ESXi host, pool or KMS host: where it is, who we are there, and the certificates a person confirmed.

    `pins` are SHA-256 fingerprints (upper-case hex with colons); `offered_pins` are what the last probe saw:
    `[{subject, sha256, sha1?, address, not_after?}]`. `login_refused_at`: the last refusal of the present password.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="endpoints")
    kind = models.CharField(max_length=16, choices=EndpointKind.choices)
    name = models.CharField(max_length=200)
    url = models.CharField(max_length=500)
    username = models.CharField(max_length=200, blank=True)
    sealed_password = models.TextField(blank=True)
    pins = models.JSONField(default=list)
    pins_confirmed_at = models.DateTimeField(null=True)
    pins_confirmed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    offered_pins = models.JSONField(default=list)
    offered_at = models.DateTimeField(null=True)
    login_refused_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "kind", "name"], name="endpoint_name_per_project_and_kind")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
