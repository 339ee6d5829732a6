"""Rows of conversions: the machine's way, its disk copies, the journal of segments, the ledger of made objects, the events;
how a project's conversions are run, and who copies or waits to.

Fields and constraints only. `state` is written by services.transitions alone; relations to the plan are ids, not foreign keys.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from migration.conversion.core.states import State
from migration.conversion.core.verifying import FULL, blocks_of
from project.backbone.identified import Identified
from project.backbone.models import Job, Project

DISKS_AT_ONCE = 2
"""So many disks of one machine are copied at a time where a project says nothing else."""


class Conversion(Identified):
    """One machine's way into a pool, with the frozen description of what is made there.

    `verify` is the policy it was made under (`full`, `off`, `sampled N %`); a higher `priority` copies first. `start_asked_at` is
    when the pool was last asked to start its VM, unless it was seen since that the VM never ran: from then on its disks may
    hold what is nowhere else. `stop_asked_at` is when its source was last asked to go off, until it was confirmed off.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="conversions")
    wave_id = models.UUIDField(db_index=True)
    machine_id = models.UUIDField(db_index=True)
    pool_id = models.UUIDField()
    name = models.CharField(max_length=255)
    state = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in State], default=State.PLANNED.value, db_index=True
    )
    step = models.CharField(max_length=40, blank=True, default="")
    spec = models.JSONField()
    target_vm_uuid = models.CharField(max_length=36, blank=True, default="")
    source_was_running = models.BooleanField(default=False)
    stop_asked_at = models.DateTimeField(null=True, blank=True)
    source_marker = models.JSONField(null=True, blank=True)
    boot_proof = models.JSONField(null=True, blank=True)
    start_asked_at = models.DateTimeField(null=True, blank=True)
    error = models.JSONField(null=True, blank=True)
    job_id = models.UUIDField(null=True, blank=True)
    verify = models.CharField(max_length=20, default="full")
    priority = models.SmallIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["wave_id", "machine_id"], name="one_conversion_per_machine_and_wave")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def source_was_touched(self) -> bool:
        """Whether its source was confirmed off or asked to shut down for it, so that a rollback has something to undo there."""
        return self.source_marker is not None or self.stop_asked_at is not None


class DiskCopy(Identified):
    """One disk of a conversion. `bytes_*` are bytes of the virtual disk; `durable_bytes` ends the last finished segment,
    `bytes_sent` counts what finished segments took.

    `compared` says how much of it was to be read back for `verified`, in the words of the policy; empty before. `blocks_compared`
    is how many of its blocks of 2 MiB that really were.
    `written_before`: the VDI may hold bytes of an earlier state of the source, so zeros must be sent like data.
    """

    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="disks")
    device_key = models.IntegerField()
    label = models.CharField(max_length=120)
    position = models.CharField(max_length=3)
    sr_uuid = models.CharField(max_length=36)
    vdi_uuid = models.CharField(max_length=36, blank=True, default="")
    bytes_total = models.BigIntegerField()
    bytes_copied = models.BigIntegerField(default=0)
    bytes_sent = models.BigIntegerField(default=0)
    bytes_zero = models.BigIntegerField(default=0)
    durable_bytes = models.BigIntegerField(default=0)
    prefix_digest = models.CharField(max_length=64, blank=True, default="")
    written_before = models.BooleanField(default=False)
    hashes = models.BinaryField(null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True, default="")
    copied_at = models.DateTimeField(null=True, blank=True)
    verified = models.BooleanField(default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    compared = models.CharField(max_length=20, blank=True, default="")
    blocks_compared = models.PositiveBigIntegerField(default=0)
    fault = models.JSONField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["conversion", "position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["conversion", "device_key"], name="one_copy_per_disk")]

    def __str__(self) -> str:
        return self.label

    @property
    def blocks_total(self) -> int:
        """How many blocks of 2 MiB it has."""
        return blocks_of(self.bytes_total)

    @property
    def is_proven(self) -> bool:
        """Whether every block was read back from the pool and equals its source; a sample proves no disk."""
        return self.verified and self.compared == str(FULL)


class Segment(Identified):
    """Journal of uploads: a row is written once XAPI's task succeeded; `prefix_digest` covers all bytes in front of the end."""

    disk_copy = models.ForeignKey(DiskCopy, on_delete=models.CASCADE, related_name="segments")
    end_bytes = models.BigIntegerField()
    prefix_digest = models.CharField(max_length=64)
    finished_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["disk_copy", "finished_at"]

    def __str__(self) -> str:
        return f"up to {self.end_bytes}"


class LedgerEntry(Identified):
    """An object made on a pool or a source for a conversion: nothing is made twice, nothing is left behind."""

    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="ledger")
    kind = models.CharField(max_length=10)
    uuid = models.CharField(max_length=64)
    made_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["made_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["conversion", "kind", "uuid"], name="one_ledger_row_per_object")]

    def __str__(self) -> str:
        return f"{self.kind} {self.uuid}"


class ConversionEvent(Identified):
    """What happened to a conversion, in order, for people: state changes, steps begun, refusals."""

    conversion = models.ForeignKey(Conversion, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    from_state = models.CharField(max_length=20, blank=True, default="")
    to_state = models.CharField(max_length=20, blank=True, default="")
    step = models.CharField(max_length=40, blank=True, default="")
    message = models.CharField(max_length=500)

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return self.message


class RunningSettings(Identified):
    """How a project's conversions are run; a project without a row has the defaults. `bandwidth` holds rows of the table."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="running_settings")
    verify = models.CharField(max_length=20, default="full")
    per_source_host = models.PositiveSmallIntegerField(default=4)
    per_datastore = models.PositiveSmallIntegerField(default=4)
    per_pool_host = models.PositiveSmallIntegerField(default=8)
    per_sr = models.PositiveSmallIntegerField(default=4)
    disks_at_once = models.PositiveSmallIntegerField(default=DISKS_AT_ONCE)
    time_zone = models.CharField(max_length=64, default="UTC")
    bandwidth = models.JSONField(default=list)
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"running of {self.project_id}"


class Stream(Identified):
    """A conversion that copies or waits to. It copies while its job runs under `fence`; a crash or a wait ends that by itself.

    `shares` are pairs of kind and key of what it shares with others; `lanes` is how many of its disks are copied at a time.
    """

    conversion = models.OneToOneField(Conversion, on_delete=models.CASCADE, related_name="stream")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    fence = models.PositiveBigIntegerField(default=0)
    lanes = models.PositiveSmallIntegerField(default=1)
    shares = models.JSONField(default=list)
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"stream of {self.conversion_id}"


class StreamTurn(models.Model):
    """One row: counts decisions on streams, so that two that were taken at once are noticed."""

    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"turn {self.number}"
