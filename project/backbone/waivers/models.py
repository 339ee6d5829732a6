"""The waiver table. Its state follows from its times and people (selectors.py); the two-person rule is in services.py."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from project.backbone.accounts.models import Project, User
from project.backbone.identified import Identified


class Waiver(Identified):
    """One accepted risk: a rule or a check, on one subject, for a reason, until a time."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="waivers")
    rule_id = models.CharField(max_length=32, blank=True)
    check_id = models.CharField(max_length=32, blank=True)
    subject = models.CharField(max_length=200)
    reason = models.TextField(max_length=2000)
    expires_at = models.DateTimeField()
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(models.Q(rule_id="") & ~models.Q(check_id="")) | (~models.Q(rule_id="") & models.Q(check_id="")),
                name="waiver_names_a_rule_or_a_check",
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("requested_by")),
                name="waiver_approved_by_somebody_else",
            ),
        ]

    def __str__(self) -> str:
        return f"waiver of {self.rule_id or self.check_id} on {self.subject}"
