"""An upload of a KMS host's reading: freed of product keys in memory, stored once, and a job asked for that reads it."""

from __future__ import annotations

from django.db import transaction

from kms.core.uploads import CleanUpload, UploadError, UploadTooLarge, clean_upload
from kms.models import KmsHost, KmsUpload
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.jobs.services import IdempotencyKey, enqueue
from project.backbone.models import Job
from project.backbone.problems import Invalid, Problem, Refused

READ_UPLOAD = "kms.read_upload"


def upload_reading(host: KmsHost, body: bytes, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Store the file and queue its reading. The very same file again leads to the same upload and no second reading.

    Raises: RoleTooLow (operator), NotVisible, Refused 413 `kms_upload_too_large`, Invalid `kms_upload_empty`,
    `kms_upload_unreadable`. What the file says is judged by the job.
    """
    actor.require(host.project_id, Role.OPERATOR)
    cleaned = _cleaned(body)
    with transaction.atomic():
        upload = _stored(host, cleaned, actor)
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
    fields = {"size_bytes": cleaned.size_bytes, "text": cleaned.text, "uploaded_by_name": actor.username[:200]}
    upload, is_new = KmsUpload.objects.get_or_create(host=host, sha256=cleaned.sha256, defaults=fields)
    if is_new:
        after = {"host": host.name, "sha256": cleaned.sha256, "size_bytes": cleaned.size_bytes}
        record(actor, "kms.reading_uploaded", upload, project=host.project, after=after)
    return upload


def _cleaned(body: bytes) -> CleanUpload:
    try:
        return clean_upload(body)
    except UploadError as error:
        raise _problem(error) from error


def _problem(error: UploadError) -> Problem:
    detail = f"{error}."
    if isinstance(error, UploadTooLarge):
        return Refused(413, "The upload is too large", detail, code=error.code, next_step=error.next_step)
    return Invalid(detail, code=error.code, next_step=error.next_step)
