"""Tables of readiness: pools, immutable facts, attestations, evaluations, tuning campaigns, watches. Fields and constraints.

Facts and evaluations are never changed; an attestation is taken back by a further row (`withdraws`), never edited.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from project.backbone.identified import Identified
from project.backbone.models import Endpoint, Project, User
from readiness.core.campaign.change import OPEN_CHANGE, ChangeState
from readiness.core.campaign.states import OPEN_CAMPAIGN, OPEN_TRIAL, CampaignState, TrialState


class Intent(models.TextChoices):
    """Whether a pool is meant to run with HA."""

    REQUIRED = "required"
    OFF = "off"


class Pool(Identified):
    """A Xen pool of a project: where it is (endpoint) and whether it is meant to run with HA."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="pools")
    endpoint = models.OneToOneField(Endpoint, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    ha_intent = models.CharField(max_length=16, choices=Intent.choices, default=Intent.REQUIRED)
    pool_uuid = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="pool_name_per_project")]

    def __str__(self) -> str:
        return self.name


class PoolInventory(Identified):
    """One reading of a pool: the facts as JSON and their digest. The same facts read again have the same digest."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="inventories")
    collected_at = models.DateTimeField(db_index=True)
    digest = models.CharField(max_length=64)
    facts = models.JSONField()

    class Meta:
        ordering: ClassVar = ["-collected_at"]

    def __str__(self) -> str:
        return f"facts of {self.pool_id} at {self.collected_at:%Y-%m-%d %H:%M}"


class Evidence(Identified):
    """What a person attests about a pool. Insert only: `withdraws` names the row this one takes back."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=200, blank=True)
    value = models.JSONField(default=dict)
    tested_at = models.DateTimeField()
    timeout_s = models.PositiveIntegerField(null=True)
    storage_node = models.CharField(max_length=200, blank=True)
    who = models.CharField(max_length=200)
    attachment = models.JSONField(null=True)
    expires_at = models.DateTimeField(null=True)
    bound_to = models.JSONField(default=dict)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    withdraws = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="withdrawn_by_row")
    note = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        verbose_name_plural = "evidence"

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}"


class EvidenceFile(Identified):
    """The file that evidence names, once somebody has handed it in; it lies in the data folder by its SHA-256."""

    evidence = models.OneToOneField(Evidence, on_delete=models.CASCADE, related_name="file")
    size_bytes = models.PositiveIntegerField()
    content_type = models.CharField(max_length=40)
    stored_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"file of {self.evidence_id}"


class Evaluation(Identified):
    """One verdict on a pool: by which facts, for which planned VMs, under which profiles, with every check's result."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="evaluations")
    inventory = models.ForeignKey(PoolInventory, null=True, on_delete=models.PROTECT, related_name="+")
    planned_digest = models.CharField(max_length=64)
    policy_profile = models.CharField(max_length=32)
    policy_version = models.PositiveIntegerField()
    gate_profile = models.CharField(max_length=16)
    for_cutover = models.BooleanField(default=False)
    verdict = models.CharField(max_length=32)
    checks = models.JSONField()
    reasons = models.JSONField()
    simulated_faults = models.JSONField()
    refused_waivers = models.JSONField(default=list)
    evaluated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-evaluated_at"]

    def __str__(self) -> str:
        return f"{self.pool_id}: {self.verdict}"


class Campaign(Identified):
    """A search for the HA timeout of one pool. Which step it is at follows from the trials; `state` is moved by the services.

    `expendable_vms` are uuids or names of VMs that may go down; `window` is the VMware owner's signed change window.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="campaigns")
    state = models.CharField(max_length=24, default=CampaignState.PREFLIGHT.value)
    start_s = models.PositiveIntegerField()
    start_reason = models.TextField(blank=True)
    expendable_vms = models.JSONField(default=list)
    window = models.JSONField(null=True)
    tuned_timeout_s = models.PositiveIntegerField(null=True)
    ended_at = models.DateTimeField(null=True)
    abandoned_because = models.TextField(blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pool"],
                condition=models.Q(state__in=sorted(state.value for state in OPEN_CAMPAIGN)),
                name="one_open_campaign_per_pool",
            )
        ]

    def __str__(self) -> str:
        return f"campaign of {self.pool_id}: {self.state}"


class CampaignTrial(Identified):
    """One pull of a storage node, watched by the service: `observation` is what it saw, `word` what a person said before."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="trials")
    state = models.CharField(max_length=16, default=TrialState.REQUESTED.value)
    storage_node = models.CharField(max_length=200)
    method = models.CharField(max_length=32)
    timeout_s = models.PositiveIntegerField()
    sr_uuid = models.CharField(max_length=64)
    word = models.JSONField(default=dict)
    observation = models.JSONField(null=True)
    obstacles = models.JSONField(default=list)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    result = models.JSONField(null=True)
    closed_because = models.TextField(blank=True)
    evidence = models.OneToOneField(Evidence, null=True, on_delete=models.PROTECT, related_name="trial")
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign"],
                condition=models.Q(state__in=sorted(state.value for state in OPEN_TRIAL)),
                name="one_open_trial_per_campaign",
            )
        ]

    def __str__(self) -> str:
        return f"trial of {self.storage_node} at {self.timeout_s} s: {self.state}"


class HaGrant(Identified):
    """An administrator's word that the service itself may change this pool's HA timeout, until when, and why."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="ha_grants")
    reason = models.TextField()
    expires_at = models.DateTimeField()
    granted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"grant on {self.pool_id} until {self.expires_at:%Y-%m-%d %H:%M}"


class HaChange(Identified):
    """One change of a pool's HA timeout by the service. `before` is what the pool was, recorded before anything was touched."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="changes")
    grant = models.ForeignKey(HaGrant, on_delete=models.PROTECT, related_name="changes")
    state = models.CharField(max_length=16, default=ChangeState.WANTED.value)
    timeout_s = models.PositiveIntegerField()
    sr_uuid = models.CharField(max_length=64)
    before = models.JSONField(null=True)
    failed_because = models.TextField(blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign"],
                condition=models.Q(state__in=sorted(state.value for state in OPEN_CHANGE)),
                name="one_open_change_per_campaign",
            )
        ]

    def __str__(self) -> str:
        return f"timeout of {self.campaign_id} to {self.timeout_s} s: {self.state}"


class PoolWatch(Identified):
    """The watch of a pool: whether it is on, where it stands at the pool, and the judgement that later ones are compared with.

    `standing` is `estate.facts.pool_watch`'s; `due` says why the pool is to be judged, empty when nothing moved since.
    `missing_since`: no host has answered since then; `faults` counts such looks in a row.
    """

    pool = models.OneToOneField(Pool, on_delete=models.CASCADE, related_name="watch")
    enabled = models.BooleanField(default=False)
    standing = models.JSONField(default=dict)
    due = models.CharField(max_length=500, blank=True)
    baseline = models.ForeignKey(Evaluation, null=True, on_delete=models.SET_NULL, related_name="+")
    looked_at = models.DateTimeField(null=True)
    judged_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)
    faults = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at"]
        verbose_name_plural = "pool watches"

    def __str__(self) -> str:
        return f"watch of {self.pool_id}"


class PoolAlarm(Identified):
    """One thing that a pool lost, from the look that saw it to the one that saw it back, or a person's word that it stays so.

    `checks` are the ids of those whose answer turned worse with it; `compared_with` and `found_by` the two judgements.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="alarms")
    kind = models.CharField(max_length=24)
    path = models.CharField(max_length=200)
    before = models.CharField(max_length=200)
    after = models.CharField(max_length=200)
    detail = models.CharField(max_length=500)
    checks = models.JSONField(default=list)
    compared_with = models.ForeignKey(Evaluation, null=True, on_delete=models.SET_NULL, related_name="+")
    found_by = models.ForeignKey(Evaluation, null=True, on_delete=models.SET_NULL, related_name="+")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_because = models.CharField(max_length=500, blank=True)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["-opened_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pool", "kind", "path"], condition=models.Q(closed_at=None), name="one_open_alarm_per_thing_lost"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.pool_id}: {self.path}"


class WatchJudgement(Identified):
    """Marks a judgement that the watch made by itself: it goes when it is old and nobody decided on it."""

    evaluation = models.OneToOneField(Evaluation, on_delete=models.CASCADE, related_name="by_watch")

    def __str__(self) -> str:
        return f"by watch: {self.evaluation_id}"
