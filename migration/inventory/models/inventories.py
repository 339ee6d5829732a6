"""Rows of immutable inventories: pointers to content-addressed facts, volatile values beside them."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models

from migration.inventory.core.kinds import FactKind
from migration.inventory.core.states import InventoryState
from migration.inventory.models.sources import Source
from project.backbone.identified import Identified
from project.backbone.models import Project


class MadeBy(models.TextChoices):
    """`watch` read again only what had changed, unless `note` says why it read everything."""

    COLLECTION = "collection"
    WATCH = "watch"


class Inventory(Identified):
    """One collection of one source. Complete or failed, it never changes; `collected_at` is when the last page was read."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="inventories")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="inventories")
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in InventoryState])
    job_id = models.UUIDField(null=True, blank=True)
    made_by = models.CharField(max_length=16, choices=MadeBy.choices, default=MadeBy.COLLECTION)
    note = models.CharField(max_length=500, blank=True)
    object_count = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    about = models.JSONField(null=True, blank=True)
    collected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]
        verbose_name_plural = "inventories"

    def __str__(self) -> str:
        return f"inventory {self.id} ({self.state})"


class FactBlob(models.Model):
    """The lasting facts of one object, stored once however many inventories hold them. `body`, `digest`: see core.blobs.

    `orphaned_at`: since then no inventory was seen to hold them.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in FactKind])
    body = models.TextField()
    orphaned_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]}"


class InventoryEntry(models.Model):
    """One object in one inventory: a pointer to its lasting facts, its volatile values beside them, and what lists filter by.

    `read_at` is when a watch's earlier inventory read what had not moved since; None for what was read for this one.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    inventory = models.ForeignKey(Inventory, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in FactKind])
    native_id = models.CharField(max_length=200)
    name = models.CharField(max_length=500)
    blob = models.ForeignKey(FactBlob, on_delete=models.PROTECT, related_name="entries")
    volatile = models.TextField(default="{}")
    facets = models.JSONField(default=dict)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        verbose_name_plural = "inventory entries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["inventory", "kind", "native_id"], name="one_entry_per_object_and_inventory")
        ]
        indexes: ClassVar = [models.Index(fields=["inventory", "kind", "name"], name="entry_by_name")]

    def __str__(self) -> str:
        return self.name
