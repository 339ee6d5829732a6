"""Rows of cutovers: what the gate of a wave answered and who signed it. The wave itself belongs to planning, known by id."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from migration.cutover.core.gate import GateState
from project.backbone.identified import Identified
from project.backbone.models import Project, User


class Phase(models.TextChoices):
    """When the gate was asked: by people before the cutover, or by the cutover itself in front of its legs."""

    ASKED = "asked"
    BEFORE_COPY = "before_copy"
    BEFORE_START = "before_start"


class GateDecisionRow(Identified):
    """One answer of the gate with the facts it stands on. Insert-only but for the signature, which is set once."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="gate_decisions")
    wave_id = models.UUIDField(db_index=True)
    phase = models.CharField(max_length=16, choices=Phase.choices, default=Phase.ASKED)
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in GateState])
    decided_at = models.DateTimeField()
    reasons = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    fact_ids = models.JSONField(default=dict)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by_name = models.CharField(max_length=200)
    signed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    signed_by_name = models.CharField(max_length=200, blank=True)
    signed_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-decided_at", "-created_at"]

    def __str__(self) -> str:
        return f"{self.state} at {self.decided_at:%Y-%m-%d %H:%M}"
