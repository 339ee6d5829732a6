"""Rows of machines: the stable identity of a VM, and where it was seen."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models

from migration.inventory.models.applications import Application
from migration.inventory.models.sources import Source
from project.backbone.identified import Identified
from project.backbone.models import Project


class Disposition(models.TextChoices):
    """What shall become of a machine."""

    MIGRATE = "migrate"
    REBUILD = "rebuild"
    RETIRE = "retire"
    RETAIN = "retain"
    EXCLUDE = "exclude"


class Machine(Identified):
    """One real VM through all inventories of all sources. `source` and `native_id` are where it can be acted on: the live source
    goes before a file. Where else it was seen: `Sighting`. `disposition`, `application` and `note` are what people decided;
    `version` counts such decisions.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="machines")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="machines")
    native_id = models.CharField(max_length=200)
    instance_uuid = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=500)
    disposition = models.CharField(max_length=16, choices=Disposition.choices, default=Disposition.MIGRATE)
    application = models.ForeignKey(Application, null=True, blank=True, on_delete=models.SET_NULL, related_name="machines")
    note = models.TextField(max_length=2000, blank=True)
    version = models.PositiveIntegerField(default=1)
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "native_id"], name="one_machine_per_moref_and_source")]
        indexes: ClassVar = [models.Index(fields=["project", "name", "id"], name="machine_by_name")]

    def __str__(self) -> str:
        return self.name


class Sighting(models.Model):
    """A machine as one source shows it: the ids by which it is known again.

    `vcenter` is the UUID of the vCenter that `native_id` counts in, empty for unknown; `hardware_ids` are its BIOS UUID and MAC
    addresses, apart by spaces. A source that gave the moref to another VM keeps the row under another id: core.identity.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="sightings")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="sightings")
    native_id = models.CharField(max_length=200)
    instance_uuid = models.CharField(max_length=64, blank=True)
    vcenter = models.CharField(max_length=64, blank=True, default="")
    hardware_ids = models.TextField(blank=True, default="")
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-last_seen_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "native_id"], name="one_sighting_per_native_id_and_source")
        ]

    def __str__(self) -> str:
        return self.native_id
