"""What a running job writes down while a conversion goes on: the step cursor, disk progress, the segment journal, the ledger.

No decisions in here. Rows are written with plain updates; the job's own fencing keeps a worker that lost its lease from calling.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from migration.conversion.core.freshness import SourceMarker
from migration.conversion.core.itinerary import Step
from migration.conversion.core.states import State
from migration.conversion.models import Conversion, DiskCopy, LedgerEntry, Segment
from migration.conversion.services.transitions import note
from project.backbone.clock import now


@transaction.atomic
def begin_step(conversion: Conversion, step: Step) -> None:
    """Set the cursor; the event is written once, however often the step is begun again."""
    changed = Conversion.objects.filter(pk=conversion.pk).exclude(step=step.name).update(step=step.name, updated_at=now())
    if changed:
        note(conversion, step.title, step=step.name)


def remember_running(conversion: Conversion) -> None:
    """Note that the source ran when Xenbound came to stop it; a rollback powers on nothing else. Never unset."""
    Conversion.objects.filter(pk=conversion.pk).update(source_was_running=True, updated_at=now())


def remember_source(conversion: Conversion, marker: SourceMarker) -> None:
    """Store what the source looked like when it was confirmed off: what was asked of its guest before has come to its end."""
    marked = {"source_marker": asdict(marker), "stop_asked_at": None}
    Conversion.objects.filter(pk=conversion.pk).update(**marked, updated_at=now())


def note_stop_asked(conversion: Conversion) -> None:
    """Note, before the source is asked to go off, that it may do so from now on, whatever becomes of this job."""
    Conversion.objects.filter(pk=conversion.pk).update(stop_asked_at=now(), updated_at=now())


def remember_vm(conversion: Conversion, vm_uuid: str) -> None:
    """Store the target VM and enter it into the ledger."""
    Conversion.objects.filter(pk=conversion.pk).update(target_vm_uuid=vm_uuid, updated_at=now())
    enter_ledger(conversion, "vm", vm_uuid)


def remember_vdi(disk: DiskCopy, vdi_uuid: str) -> None:
    """Store a disk's VDI and enter it into the ledger. Of another one than before nobody knows what it holds."""
    if disk.vdi_uuid not in ("", vdi_uuid):
        _forget(DiskCopy.objects.filter(pk=disk.pk), written_before=True)
    DiskCopy.objects.filter(pk=disk.pk).update(vdi_uuid=vdi_uuid)
    enter_ledger(disk.conversion, "vdi", vdi_uuid)


def enter_ledger(conversion: Conversion, kind: str, uuid: str) -> None:
    """Enter an object made for this conversion; a second entry of the same object changes nothing."""
    LedgerEntry.objects.get_or_create(conversion=conversion, kind=kind, uuid=uuid, defaults={"made_at": now()})


def close_ledger(conversion_id: UUID, uuids: Iterable[str]) -> None:
    """Note that the pool has none of these objects any more."""
    gone = LedgerEntry.objects.filter(conversion_id=conversion_id, uuid__in=list(uuids), removed_at=None)
    gone.update(removed_at=now())


def note_copied(disk: DiskCopy, *, bytes_copied: int, bytes_zero: int) -> None:
    """How far the running copy is, in bytes of the virtual disk, and how many of them are known to hold nothing."""
    DiskCopy.objects.filter(pk=disk.pk).update(bytes_copied=bytes_copied, bytes_zero=bytes_zero)


@transaction.atomic
def close_segment(disk: DiskCopy, *, end_bytes: int, prefix_digest: str, sent_bytes: int) -> None:
    """Journal a segment whose XAPI task succeeded; from now on a crash re-sends only what lies behind `end_bytes`."""
    Segment.objects.create(disk_copy=disk, end_bytes=end_bytes, prefix_digest=prefix_digest, finished_at=now())
    DiskCopy.objects.filter(pk=disk.pk).update(
        durable_bytes=end_bytes, prefix_digest=prefix_digest, bytes_sent=F("bytes_sent") + sent_bytes
    )


def close_copy(disk: DiskCopy, *, bytes_passed: int, bytes_zero: int, hashes: bytes, digest: str) -> None:
    """The copy came to its end after so many bytes of the disk, so many of them empty; `digest` is the hash of its block hashes
    as read from the source. What became durable stands in the journal of segments and is not told here.
    """
    DiskCopy.objects.filter(pk=disk.pk).update(
        bytes_copied=bytes_passed,
        bytes_zero=bytes_zero,
        hashes=hashes,
        digest=digest,
        copied_at=now(),
        fault=None,
    )


def close_verification(disk: DiskCopy, *, compared: str, blocks_compared: int) -> None:
    """What was read back from the pool equals what was read from the source: so much by the policy, so many blocks."""
    proof = {"verified": True, "verified_at": now(), "compared": compared, "blocks_compared": blocks_compared}
    DiskCopy.objects.filter(pk=disk.pk).update(**proof, fault=None)


def note_fault(disk: DiskCopy, fault: dict[str, object]) -> None:
    """What is wrong with this copy, e.g. ranges that differ; it is not verified."""
    DiskCopy.objects.filter(pk=disk.pk).update(verified=False, verified_at=None, compared="", blocks_compared=0, fault=fault)


def doubt_copies(conversion: Conversion) -> None:
    """A failed conversion is taken up again: its disks are proven anew, and one with a fault is copied from its start."""
    disks = DiskCopy.objects.filter(conversion=conversion)
    _forget(disks.exclude(fault=None), written_before=True)
    disks.update(verified=False, verified_at=None, compared="", blocks_compared=0)


def forget_copies(conversion: Conversion) -> None:
    """The source is not what it was: nothing that was copied or proven counts any more, but it may still lie in the VDIs."""
    _forget(DiskCopy.objects.filter(conversion=conversion), written_before=True)


@transaction.atomic
def start_anew(conversion: Conversion) -> None:
    """Nothing of the conversion is in the pool any more: everything is made and copied as for the first time."""
    _forget(DiskCopy.objects.filter(conversion=conversion), written_before=False, vdi_uuid="")
    Conversion.objects.filter(pk=conversion.pk).update(target_vm_uuid="", start_asked_at=None, updated_at=now())


def _forget(disks: QuerySet[DiskCopy], **fields: object) -> None:
    disks.update(
        bytes_copied=0,
        bytes_sent=0,
        bytes_zero=0,
        durable_bytes=0,
        prefix_digest="",
        hashes=None,
        digest="",
        copied_at=None,
        verified=False,
        verified_at=None,
        compared="",
        blocks_compared=0,
        fault=None,
        **fields,
    )


def claim_start(conversion: Conversion, *, job_id: UUID) -> bool:
    """Note, before the pool is asked, that the VM may run from now on; False when the conversion was cancelled or moved on."""
    due = Conversion.objects.filter(pk=conversion.pk, state=State.CUTTING_OVER.value, job_id=job_id)
    return bool(due.update(start_asked_at=now(), updated_at=now()))


def note_may_have_run(conversion: Conversion) -> None:
    """The VM ran although nobody here asked for it; noted before it is removed, so that a crash forgets nothing."""
    Conversion.objects.filter(pk=conversion.pk, start_asked_at=None).update(start_asked_at=now(), updated_at=now())


def forget_start(conversion: Conversion) -> None:
    """The pool shows that the VM never ran."""
    Conversion.objects.filter(pk=conversion.pk).update(start_asked_at=None, updated_at=now())


def remember_boot(conversion: Conversion, proof: dict[str, object]) -> None:
    """Store what was seen of the VM after its first start in the pool."""
    Conversion.objects.filter(pk=conversion.pk).update(boot_proof=proof, updated_at=now())
