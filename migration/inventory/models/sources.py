"""Rows of sources: servers and files that facts come from."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from project.backbone.identified import Identified
from project.backbone.models import Endpoint, Project


class SourceKind(models.TextChoices):
    VCENTER = "vcenter"
    ESXI = "esxi"
    OVA = "ova"
    RVTOOLS = "rvtools"


class Source(Identified):
    """Where facts come from: a server, told by its `endpoint`, or a file, told by `name` and `path`.

    `latest` is the newest complete inventory; `about` is what the source said of itself. `path` of an `ova` is relative to the
    import folder, of an `rvtools` to where workbooks are kept, and empty until one was uploaded.
    `privileges_missing` is `[{privilege, purpose}]` or `{"unknown": reason}`; `hosts_unread` is `[{host, reason}]`: ESXi hosts
    that did not answer the last probe.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=16, choices=SourceKind.choices)
    endpoint = models.OneToOneField(Endpoint, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200, blank=True)
    path = models.CharField(max_length=500, blank=True)
    about = models.JSONField(null=True, blank=True)
    privileges_missing = models.JSONField(null=True, blank=True)
    hosts_unread = models.JSONField(default=list, blank=True)
    probed_at = models.DateTimeField(null=True, blank=True)
    latest = models.ForeignKey("Inventory", null=True, blank=True, on_delete=models.SET_NULL, related_name="latest_of")

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(endpoint__isnull=False, name="") | models.Q(endpoint__isnull=True) & ~models.Q(name=""),
                name="source_is_a_server_or_a_named_file",
            ),
            models.UniqueConstraint(
                fields=["project", "kind", "name"], condition=~models.Q(name=""), name="one_file_source_per_name_and_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.name if self.endpoint is None else self.endpoint.name
