"""Rows of the assessment: that an inventory was assessed and by which limits, and its findings. False answers have no row.

Fields and constraints only. Inventory and machine are ids: their tables belong to the inventory.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from migration.assessment.core.results import Answer, Severity
from project.backbone.identified import Identified
from project.backbone.models import Project


class Assessment(Identified):
    """One inventory put through all rules. Asked again (a pool became known), its findings are replaced as a whole."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assessments")
    inventory_id = models.UUIDField(unique=True)
    limits_version = models.CharField(max_length=32)
    target_product = models.CharField(max_length=32)
    machine_count = models.PositiveIntegerField()
    finding_count = models.PositiveIntegerField()
    pool_ids = models.JSONField(default=list)
    assessed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"assessment of {self.inventory_id}"


class Finding(Identified):
    """One rule's true or unknown answer on one machine of one inventory, with params and evidence."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="findings")
    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="findings")
    machine_id = models.UUIDField(db_index=True)
    machine_name = models.CharField(max_length=500)
    rule_id = models.CharField(max_length=32)
    severity = models.CharField(max_length=16, choices=[(s.value, s.value) for s in Severity])
    result = models.CharField(max_length=16, choices=[(a.value, a.value) for a in Answer if a is not Answer.FALSE])
    params = models.JSONField(default=dict)
    evidence = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["machine_name", "rule_id", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["assessment", "machine_id", "rule_id"], name="one_finding_per_rule_and_machine")
        ]
        indexes: ClassVar = [models.Index(fields=["project", "rule_id"], name="finding_by_rule")]

    def __str__(self) -> str:
        return f"{self.rule_id} on {self.machine_name}"
