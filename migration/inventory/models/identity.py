"""Rows of identity questions: a VM that may be a machine of another source, where ids alone do not decide."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from migration.inventory.models.machines import Machine
from migration.inventory.models.sources import Source
from project.backbone.identified import Identified
from project.backbone.models import Project, User


class IdentityAnswer(models.TextChoices):
    """`own` also when the machines it could have been are gone: then it is nobody else's."""

    SAME = "same"
    OWN = "own"


class IdentityQuestion(Identified):
    """Asked once per VM and source. `machine` is the one it is for now, or was answered to be; `candidates` are ids of others."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="identity_questions")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="identity_questions")
    native_id = models.CharField(max_length=200)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="identity_questions")
    candidates = models.JSONField()
    answer = models.CharField(max_length=8, choices=IdentityAnswer.choices, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    answered_by_name = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "native_id"], name="one_identity_question_per_native_id_and_source")
        ]

    def __str__(self) -> str:
        return f"which machine {self.native_id} is"
