"""Rows of cutovers: what the gate of a wave answered and who signed it; batches. The wave itself is planning's, known by id."""

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
    signed_document = models.JSONField(default=dict, blank=True)
    """What was handed in instead of a login's signature: its name, hash, signatory and who recorded it; empty without one."""

    class Meta:
        ordering: ClassVar = ["-decided_at", "-created_at"]

    def __str__(self) -> str:
        return f"{self.state} at {self.decided_at:%Y-%m-%d %H:%M}"


class Batch(Identified):
    """A wave asked for by a script: `asked` is the request, `options` how it is run, `problems` why there is no wave.

    `job_id` is the job asked for last; it makes the wave and prepares its machines.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="batches")
    name = models.CharField(max_length=200)
    pool_id = models.UUIDField()
    mapping_id = models.UUIDField()
    asked = models.JSONField()
    options = models.JSONField(default=dict)
    problems = models.JSONField(default=list)
    wave_id = models.UUIDField(null=True, unique=True)
    made_by_job_id = models.UUIDField()
    job_id = models.UUIDField(db_index=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by_name = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.name
