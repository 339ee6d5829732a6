"""A file as it was sent becomes an upload that may be stored: told apart by content, decoded, freed of product keys, in memory.

Runs in the request, because nothing of a file may touch the disk before its keys are gone.
"""

from __future__ import annotations

from datetime import datetime

from estate.errors import AskPerson
from estate.kmshost.intake import take_in
from kms.core.uploads import CleanUpload, UploadError, UploadTooLarge, clean_upload, require_size
from kms.models import KmsHost
from kms.services.guests import upload_guests
from kms.services.uploads import upload_reading
from project.backbone.accounts.policy import Actor, Role
from project.backbone.clock import now
from project.backbone.jobs.services import IdempotencyKey
from project.backbone.models import Job, Project
from project.backbone.problems import Invalid, Problem, Refused


def take_reading(
    host: KmsHost, body: bytes, *, collected_at: datetime | None, actor: Actor, idempotency_key: IdempotencyKey | None = None
) -> Job:
    """Take a KMS host's file in and queue its reading.

    Raises: RoleTooLow (operator), NotVisible, Refused 413 `kms_upload_too_large`, Invalid `kms_upload_empty`,
    `kms_upload_unreadable`, `kms_format_unknown`, `kms_collected_at_missing`, `kms_clock_ahead`, or why a log cannot be read.
    """
    actor.require(host.project_id, Role.OPERATOR)
    return upload_reading(host, _cleaned(body, collected_at), actor=actor, idempotency_key=idempotency_key)


def take_guests(
    project: Project,
    body: bytes,
    *,
    collected_at: datetime | None,
    computer_name: str,
    actor: Actor,
    idempotency_key: IdempotencyKey | None = None,
) -> Job:
    """Take a file about guests in and queue its reading. Raises as `take_reading`, and Invalid `kms_computer_missing`."""
    actor.require(project, Role.OPERATOR)
    cleaned = _cleaned(body, collected_at)
    return upload_guests(project, cleaned, computer_name=computer_name, actor=actor, idempotency_key=idempotency_key)


def _cleaned(body: bytes, collected_at: datetime | None) -> CleanUpload:
    try:
        require_size(body)
        taken = take_in(body)
        return clean_upload(body, taken.format, taken.text, collected_at=collected_at, received_at=now())
    except (UploadError, AskPerson) as error:
        raise _problem(error) from error


def _problem(error: UploadError | AskPerson) -> Problem:
    detail = f"{error}."
    if isinstance(error, UploadTooLarge):
        return Refused(413, "The upload is too large", detail, code=error.code, next_step=error.next_step)
    return Invalid(detail, code=error.code, next_step=error.next_step)
