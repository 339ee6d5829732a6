"""Rows of applications: what machines are for, who answers for it, how soon it must be back, and what it needs."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from project.backbone.identified import Identified
from project.backbone.models import Project


class Criticality(models.TextChoices):
    """How much hangs on an application; empty where nobody said."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Application(Identified):
    """What a group of machines does for somebody. `rto_s` is how soon it must run again; None where nobody said.

    `depends_on` are the applications it cannot run without. `version` counts edits of the application itself.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="applications")
    name = models.CharField(max_length=200)
    owner = models.CharField(max_length=200, blank=True)
    criticality = models.CharField(max_length=16, choices=Criticality.choices, blank=True)
    rto_s = models.PositiveIntegerField(null=True, blank=True)
    note = models.TextField(max_length=2000, blank=True)
    depends_on = models.ManyToManyField("self", symmetrical=False, related_name="needed_by", blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [models.UniqueConstraint("project", Lower("name"), name="application_name_per_project")]

    def __str__(self) -> str:
        return self.name
