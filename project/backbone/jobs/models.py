"""The job table: the truth about every piece of work. Moves between states are in queue.py, by compare-and-set only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from project.backbone.accounts.models import Project, User
from project.backbone.clock import now
from project.backbone.identified import Identified
from project.backbone.jobs.states import UNFINISHED, JobState


class Queue(models.TextChoices):
    """Where a job runs: short work, or the few long slots that move disks."""

    DEFAULT = "default"
    DISKS = "disks"


class Job(Identified):
    """One piece of work and where it stands.

    `fence` grows with every claim; whoever writes a running job must name the fence of its own claim, so a worker that
    lost its lease can write nothing. `attempts` counts claims, `tries` the failures that were to be repeated,
    `losses` the workers that died. Sizes in `progress_*` are in `progress_unit`.
    """

    kind = models.CharField(max_length=100, db_index=True)
    queue = models.CharField(max_length=16, choices=Queue.choices, default=Queue.DEFAULT)
    state = models.CharField(max_length=16, choices=[(s.value, s.value) for s in JobState], default=JobState.QUEUED)
    project = models.ForeignKey(Project, null=True, on_delete=models.CASCADE, related_name="jobs")
    subject = models.CharField(max_length=300, blank=True)
    params = models.JSONField(default=dict)
    checkpoint = models.JSONField(default=dict)

    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True)
    progress_unit = models.CharField(max_length=32, blank=True)
    progress_at = models.DateTimeField(null=True)
    progress_rate_per_s = models.FloatField(null=True)
    message = models.TextField(blank=True)
    error = models.JSONField(null=True)
    result = models.JSONField(null=True)

    run_at = models.DateTimeField(default=now)
    sent_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=100, blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    tries = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    worker_pid = models.PositiveIntegerField(null=True)
    worker_host = models.CharField(max_length=200, blank=True)

    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    requested_by_name = models.CharField(max_length=200, blank=True)
    unique_key = models.CharField(max_length=200, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)
    idempotency_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["state", "queue", "run_at"], name="job_due"),
            models.Index(fields=["state", "lease_until"], name="job_lease"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "unique_key"],
                condition=Q(state__in=[s.value for s in UNFINISHED]) & ~Q(unique_key=""),
                name="one_unfinished_job_per_unique_key",
            ),
            models.UniqueConstraint(
                fields=["project", "created_by", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_job_per_idempotency_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.state})"
