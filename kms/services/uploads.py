"""An upload of a KMS host's reading: stored once, and a job asked for that reads it."""

from __future__ import annotations

from django.db import transaction

from kms.core.uploads import CleanUpload
from kms.models import KmsHost, KmsUpload
from kms.services.withdrawing import take_back
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.jobs.services import IdempotencyKey, enqueue, job_of_key
from project.backbone.models import Job

READ_UPLOAD = "kms.read_upload"


def upload_reading(host: KmsHost, cleaned: CleanUpload, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Store the file and queue its reading. The very same file again leads to the same upload and no second reading.

    Raises: RoleTooLow (operator), NotVisible. What the file says is judged by the job.
    """
    actor.require(host.project_id, Role.OPERATOR)
    earlier = job_of_key(idempotency_key, project=host.project, actor=actor)
    if earlier is not None:
        return earlier
    with transaction.atomic():
        upload = _stored(host, cleaned, actor)
        take_back(upload, host.project, actor=actor)
        return enqueue(
            READ_UPLOAD,
            project=host.project,
            params={"upload_id": str(upload.pk)},
            actor=actor,
            subject=f"KMS host {host.name}",
            idempotency_key=idempotency_key,
            unique=f"{READ_UPLOAD}:{upload.pk}",
        )


def _stored(host: KmsHost, cleaned: CleanUpload, actor: Actor) -> KmsUpload:
    fields = {
        "size_bytes": cleaned.size_bytes,
        "format": cleaned.format.value,
        "utc_offset_min": cleaned.utc_offset_min,
        "text": cleaned.text,
        "uploaded_by_name": actor.username[:200],
    }
    upload, is_new = KmsUpload.objects.get_or_create(
        host=host, sha256=cleaned.sha256, collected_at=cleaned.collected_at, defaults=fields
    )
    if is_new:
        after = {"host": host.name, "sha256": cleaned.sha256, "size_bytes": cleaned.size_bytes, "format": cleaned.format.value}
        record(actor, "kms.reading_uploaded", upload, project=host.project, after=after)
    return upload
