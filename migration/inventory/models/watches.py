"""Rows of watches: sources that are kept fresh, where each watch stands at its server, and what it has still to read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from migration.inventory.models.sources import Source
from project.backbone.identified import Identified


class SourceWatch(Identified):
    """One watch per source. `session` is sealed: with it the server could be asked in our name.

    It holds the cookie and where the watch stands, and is empty before it began. `pending` lists what moved and
    was not read yet, since `pending_since`. `faults` counts passing faults in a row. `read_all_at` is when everything was
    read, `read_around_at` when everything that is no machine was.
    """

    source = models.OneToOneField(Source, on_delete=models.CASCADE, related_name="watch")
    enabled = models.BooleanField(default=False)
    session = models.TextField(blank=True)
    pending = models.JSONField(default=list)
    pending_since = models.DateTimeField(null=True)
    read_all_at = models.DateTimeField(null=True)
    read_around_at = models.DateTimeField(null=True)
    faults = models.PositiveIntegerField(default=0)
    last_look_at = models.DateTimeField(null=True)
    last_change_at = models.DateTimeField(null=True)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at"]
        verbose_name_plural = "source watches"

    def __str__(self) -> str:
        return f"watch of {self.source}"
