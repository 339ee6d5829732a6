"""Rows of the inventory: sources, their immutable inventories, content-addressed facts, and machines with a stable identity.

Fields and constraints only. `state` is written by services.collecting alone; facts are read back through selectors.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models

from migration.inventory.core.kinds import FactKind
from migration.inventory.core.states import InventoryState
from project.backbone.identified import Identified
from project.backbone.models import Endpoint, Project


class SourceKind(models.TextChoices):
    VCENTER = "vcenter"
    ESXI = "esxi"
    OVA = "ova"
    RVTOOLS = "rvtools"


class Disposition(models.TextChoices):
    """What shall become of a machine."""

    MIGRATE = "migrate"
    REBUILD = "rebuild"
    RETIRE = "retire"
    RETAIN = "retain"
    EXCLUDE = "exclude"


class Source(Identified):
    """Where facts come from: a server, told by its `endpoint`, or a file, told by `name` and `path`.

    `latest` is the newest complete inventory; `about` is what the source said of itself. `path` of an `ova` is relative to the
    import folder, of an `rvtools` to where workbooks are kept, and empty until one was uploaded.
    `privileges_missing` is `[{privilege, purpose}]` or `{"unknown": reason}`; `hosts_unread` is `[{host, reason}]`: ESXi hosts
    whose certificate the last probe could not have.
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


class Inventory(Identified):
    """One collection of one source. Complete or failed, it never changes; `collected_at` is when the last page was read."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="inventories")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="inventories")
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in InventoryState])
    job_id = models.UUIDField(null=True, blank=True)
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
    """The lasting facts of one object, stored once however many inventories hold them. `digest`: see core.blobs."""

    digest = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in FactKind])
    body = models.JSONField()

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]}"


class InventoryEntry(models.Model):
    """One object in one inventory: a pointer to its lasting facts, and its volatile values beside them."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    inventory = models.ForeignKey(Inventory, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in FactKind])
    native_id = models.CharField(max_length=200)
    name = models.CharField(max_length=500)
    blob = models.ForeignKey(FactBlob, on_delete=models.PROTECT, related_name="entries")
    volatile = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        verbose_name_plural = "inventory entries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["inventory", "kind", "native_id"], name="one_entry_per_object_and_inventory")
        ]
        indexes: ClassVar = [models.Index(fields=["inventory", "kind", "name"], name="entry_by_name")]

    def __str__(self) -> str:
        return self.name


class Machine(Identified):
    """One real VM through all inventories of all sources. `source` and `native_id` are where it can be acted on: the live source
    goes before a file. Where else it was seen: `Sighting`.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="machines")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="machines")
    native_id = models.CharField(max_length=200)
    instance_uuid = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=500)
    disposition = models.CharField(max_length=16, choices=Disposition.choices, default=Disposition.MIGRATE)
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "native_id"], name="one_machine_per_moref_and_source")]

    def __str__(self) -> str:
        return self.name


class Sighting(models.Model):
    """A machine as one source shows it: the ids by which it is known again."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="sightings")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="sightings")
    native_id = models.CharField(max_length=200)
    instance_uuid = models.CharField(max_length=64, blank=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-last_seen_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "native_id"], name="one_sighting_per_native_id_and_source")
        ]

    def __str__(self) -> str:
        return self.native_id
