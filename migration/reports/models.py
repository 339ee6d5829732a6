"""Rows of reports: the tree a report was made from and its rendered forms. A report never changes; a new one is made instead."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from project.backbone.identified import Identified
from project.backbone.models import Project, User


class ReportKind(models.TextChoices):
    READINESS = "readiness"
    KMS = "kms", "KMS"


class Report(Identified):
    """One report. `document` is the tree; `html`, `pdf` and `xlsx` are empty until its job has rendered them; reports made
    before there were spreadsheets have none."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reports")
    kind = models.CharField(max_length=20, choices=ReportKind.choices)
    document = models.JSONField(null=True)
    html = models.TextField(blank=True)
    pdf = models.BinaryField(null=True)
    xlsx = models.BinaryField(null=True)
    made_at = models.DateTimeField(null=True)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by_name = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.kind} report of {self.created_at:%Y-%m-%d %H:%M}"
