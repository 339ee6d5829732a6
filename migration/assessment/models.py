"""Rows of the assessment: which inventories were assessed by which limits, findings, what people attested, what is aimed at.

Fields and constraints only. Inventory, machine and pool are ids: their tables belong to others. False answers have no row.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models

from migration.assessment.core.results import Answer, Severity
from migration.assessment.core.subjects import KINDS
from project.backbone.identified import Identified
from project.backbone.models import Project, User


class Assessment(Identified):
    """One inventory put through all rules. Asked again (a pool became known), its findings are replaced as a whole.

    `warm` and `ha` say which further rules were asked. `attested_until` is when the first statement it stands on lapses.
    `untied` counts machines whose ties to others nobody could read.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assessments")
    inventory_id = models.UUIDField(unique=True)
    limits_version = models.CharField(max_length=32)
    target_product = models.CharField(max_length=32)
    policy_profile = models.CharField(max_length=32, default="")
    guests_version = models.CharField(max_length=32, default="")
    warm = models.BooleanField(default=False)
    ha = models.BooleanField(default=False)
    machine_count = models.PositiveIntegerField()
    finding_count = models.PositiveIntegerField()
    pool_ids = models.JSONField(default=list)
    assessed_at = models.DateTimeField()
    attested_until = models.DateTimeField(null=True)
    untied = models.PositiveIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"assessment of {self.inventory_id}"


class Finding(Identified):
    """One rule's true or unknown answer on one subject of one inventory, with params and evidence. `subject`: core.subjects."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="findings")
    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="findings")
    subject_kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in KINDS])
    subject = models.CharField(max_length=200)
    subject_name = models.CharField(max_length=500)
    cluster = models.CharField(max_length=500, blank=True)
    rule_id = models.CharField(max_length=32)
    severity = models.CharField(max_length=16, choices=[(s.value, s.value) for s in Severity])
    result = models.CharField(max_length=16, choices=[(a.value, a.value) for a in Answer if a is not Answer.FALSE])
    params = models.JSONField(default=dict)
    evidence = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["subject_name", "rule_id", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["assessment", "subject", "rule_id"], name="one_finding_per_rule_and_subject")
        ]
        indexes: ClassVar = [
            models.Index(fields=["assessment", "rule_id"], name="finding_by_rule"),
            models.Index(fields=["assessment", "subject_kind"], name="finding_by_kind"),
            # Searched as a whole for a text: the table itself is many times as large.
            models.Index(fields=["assessment", "subject_name", "rule_id", "id", "cluster"], name="finding_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} on {self.subject_name}"


class InheritedGaps(models.Model):
    """Subjects whose source could be asked none of these rules. The finding itself stands once, on the inventory.

    `names` are `[name, cluster]` of each subject; empty for machines, which have rows of their own.
    """

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="inherited")
    rule_ids = models.JSONField()
    subject_kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in KINDS])
    subjects = models.JSONField()
    names = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{len(self.rule_ids)} rules of {self.assessment_id}"


class Attestation(Identified):
    """What a person answered to one rule for many subjects. `contradicted` are those where a known fact says otherwise."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="attestations")
    rule_id = models.CharField(max_length=32)
    subjects = models.JSONField()
    answer = models.BooleanField()
    who = models.CharField(max_length=200)
    note = models.TextField(max_length=2000, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    recorded_by_name = models.CharField(max_length=200)
    withdrawn_at = models.DateTimeField(null=True)
    contradicted = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.rule_id}: {self.answer} for {len(self.subjects)}"


class AssessmentTarget(Identified):
    """Where a project aims, as its newest mapping says by name. Pushed down here; see core.aim."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="assessment_target")
    pool_id = models.UUIDField(null=True)
    networks = models.JSONField(default=dict)
    srs = models.JSONField(default=dict)
    templates = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"target of {self.project_id}"


class OwnRule(Identified):
    """A rule of the project's own as it is asked now; core.own_rules says what a `definition` holds. Ids are never given twice.

    `version` counts changes; each version stays readable in `OwnRuleVersion`, since findings cite it.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="own_rules")
    rule_id = models.CharField(max_length=32)
    definition = models.JSONField()
    active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()
    changed_by_name = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["rule_id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "rule_id"], name="one_own_rule_per_id_and_project")]

    def __str__(self) -> str:
        return self.rule_id


class OwnRuleVersion(Identified):
    """One version of a project's own rule, as it was; never changed."""

    rule = models.ForeignKey(OwnRule, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    definition = models.JSONField()
    active = models.BooleanField()
    changed_by_name = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["-version"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "version"], name="one_row_per_version_of_an_own_rule")]

    def __str__(self) -> str:
        return f"{self.rule_id} version {self.version}"


class MachineGroup(models.Model):
    """Machines of one source that belong together, with what ties them; see core.groups. Lists of `{kind, what, machines}`."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="groups")
    kinds = models.JSONField()
    machine_ids = models.JSONField()
    ties = models.JSONField()

    def __str__(self) -> str:
        return f"{len(self.machine_ids)} machines of {self.assessment_id}"


class MachineRoute(models.Model):
    """Machines that go the gold image's way, or of which nobody knows; see core.routing. All others are converted."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="routes")
    runbook = models.CharField(max_length=16)
    reasons = models.JSONField()
    machine_ids = models.JSONField()

    def __str__(self) -> str:
        return f"{self.runbook} for {len(self.machine_ids)}"
