"""Rows of planning: mappings, plans, their waves, and what a plan says of each machine.

Fields and constraints only. Pools and machines are ids: their tables belong to readiness and the inventory.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from migration.planning.core.states import PlanState
from project.backbone.identified import Identified
from project.backbone.models import Project, User


class PlanKind(models.TextChoices):
    MIGRATION = "migration"
    POC = "poc"
    BATCH = "batch"
    """Made by a batch: its wave needs no approval to be prepared, and the same signed gate as any other to cut over."""


class Mapping(Identified):
    """Names of the source to names of a pool, and overrides by machine id. `version` counts edits.

    `ha_restart_priority` (`restart`, `best-effort` or empty) is for machines whose override says nothing else.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="mappings")
    name = models.CharField(max_length=200)
    pool_id = models.UUIDField(null=True, blank=True)
    networks = models.JSONField(default=dict)
    datastores = models.JSONField(default=dict)
    templates = models.JSONField(default=dict)
    overrides = models.JSONField(default=dict)
    ha_restart_priority = models.CharField(max_length=20, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="mapping_name_per_project")]

    def __str__(self) -> str:
        return self.name


class Plan(Identified):
    """What moves where, and why. `mapping_values` is the mapping as it was when planned; approved, nothing here changes.

    `job_id` is the job that made it, so that a job that runs twice makes one plan. `pool_facts_id` is the reading it rests on.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="plans")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=PlanKind.choices)
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in PlanState], default=PlanState.DRAFT.value)
    pool_id = models.UUIDField()
    pool_facts_id = models.UUIDField()
    mapping = models.ForeignKey(Mapping, on_delete=models.PROTECT, related_name="plans")
    mapping_values = models.JSONField()
    constraints = models.JSONField(default=dict)
    job_id = models.UUIDField(unique=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by_name = models.CharField(max_length=200)
    approved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    approved_by_name = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.name


class Wave(Identified):
    """Machines that go together. `free_after_bytes` is what the plan leaves free by SR uuid."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="waves")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    free_after_bytes = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["plan", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["plan", "number"], name="wave_number_per_plan")]

    def __str__(self) -> str:
        return self.name


class PlannedMachine(Identified):
    """What a plan says of one machine: in a wave at a place with the why, or left out (`wave` empty) for reasons."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="machines")
    wave = models.ForeignKey(Wave, null=True, on_delete=models.CASCADE, related_name="machines")
    position = models.PositiveIntegerField()
    machine_id = models.UUIDField(db_index=True)
    name = models.CharField(max_length=500)
    placement = models.JSONField(default=dict)
    why = models.JSONField(default=list)
    reasons = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["plan", "machine_id"], name="machine_once_per_plan")]

    def __str__(self) -> str:
        return self.name
