"""Files about guests: stored once and read by a job into readings, one per computer."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from estate.facts.codec import to_json
from estate.facts.kms import KmsGuestReading, KmsUploadFormat
from estate.facts.unknown import Unknown
from kms.core.uploads import CleanUpload
from kms.models import KmsGuestReadingRow, KmsGuestUpload
from kms.services.withdrawing import take_back
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.jobs.services import IdempotencyKey, enqueue, job_of_key
from project.backbone.models import Job, Project
from project.backbone.problems import Invalid

READ_GUESTS = "kms.read_guests"


def upload_guests(
    project: Project, cleaned: CleanUpload, *, computer_name: str, actor: Actor, idempotency_key: IdempotencyKey | None = None
) -> Job:
    """Store a file about guests and queue its reading. The very same file again leads to the same upload.

    Raises: RoleTooLow (operator), NotVisible, Invalid `kms_computer_missing`. What the file says is judged by the job.
    """
    actor.require(project, Role.OPERATOR)
    name = computer_name.strip()
    if cleaned.format is KmsUploadFormat.SLMGR_TEXT and not name:
        step = "Tell the computer's name: computer=app07.corp.example."
        raise Invalid("What slmgr prints names no computer.", code="kms_computer_missing", next_step=step)
    earlier = job_of_key(idempotency_key, project=project, actor=actor)
    if earlier is not None:
        return earlier
    with transaction.atomic():
        upload = _stored(project, cleaned, name, actor)
        take_back(upload, project, actor=actor)
        return enqueue(
            READ_GUESTS,
            project=project,
            params={"upload_id": str(upload.pk)},
            actor=actor,
            subject=f"guest {name}" if name else "guests",
            idempotency_key=idempotency_key,
            unique=f"{READ_GUESTS}:{upload.pk}",
        )


def _stored(project: Project, cleaned: CleanUpload, computer_name: str, actor: Actor) -> KmsGuestUpload:
    same = {
        "project": project,
        "sha256": cleaned.sha256,
        "collected_at": cleaned.collected_at,
        "computer_name": computer_name[:255],
    }
    found: KmsGuestUpload | None = KmsGuestUpload.objects.filter(**same).first()
    if found is not None:
        return found
    upload = KmsGuestUpload(
        **same,
        size_bytes=cleaned.size_bytes,
        format=cleaned.format.value,
        utc_offset_min=cleaned.utc_offset_min,
        text=cleaned.text,
        uploaded_by_name=actor.username[:200],
    )
    upload.save(force_insert=True)
    after = {"sha256": cleaned.sha256, "size_bytes": cleaned.size_bytes, "format": cleaned.format.value}
    record(actor, "kms.guests_uploaded", upload, project=project, after=after)
    return upload


def store_guest_readings(
    upload: KmsGuestUpload, readings: Sequence[KmsGuestReading], *, parser_version: str, actor: Actor
) -> int:
    """Write down what a file says of each computer; a second run finds the rows of the first. Returns how many there are."""
    rows = KmsGuestReadingRow.objects.filter(upload=upload, parser_version=parser_version)
    with transaction.atomic():
        if not rows.exists():
            made = [_row(upload, place, reading, parser_version) for place, reading in enumerate(readings)]
            KmsGuestReadingRow.objects.bulk_create(made, ignore_conflicts=True)
            record(actor, "kms.guests_read", upload, project=upload.project, after={"computers": len(made)})
    return int(rows.count())


def _row(upload: KmsGuestUpload, place: int, reading: KmsGuestReading, parser_version: str) -> KmsGuestReadingRow:
    return KmsGuestReadingRow(
        project=upload.project,
        upload=upload,
        parser_version=parser_version,
        place=place,
        computer_name="" if isinstance(reading.computer_name, Unknown) else reading.computer_name,
        collected_at=reading.collected_at,
        facts=to_json(reading),
    )
