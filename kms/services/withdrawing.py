"""Taking an upload back: nothing it says counts from then on, for a KMS host or for guests. The upload itself stays as it is."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from kms.models import KmsGuestUpload, KmsHost, KmsReadingRow, KmsUpload, KmsWithdrawal
from kms.services.readings import fix_computer
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.models import Project
from project.backbone.problems import Conflict, Invalid, NotVisible

MOST_REASON = 500


def withdraw(project: Project, upload_id: UUID, *, reason: str, actor: Actor) -> KmsWithdrawal:
    """Count an upload of this project for nothing.

    Raises: RoleTooLow (operator), NotVisible, Invalid (no reason), Conflict `kms_upload_withdrawn` (409).
    """
    actor.require(project, Role.OPERATOR)
    reason = reason.strip()
    if not 0 < len(reason) <= MOST_REASON:
        raise Invalid(f"A reason of at most {MOST_REASON} letters is needed.", next_step="Say what is wrong with the file.")
    found = _upload(project, upload_id)
    names = {"guest_upload" if isinstance(found, KmsGuestUpload) else "upload": found}
    with transaction.atomic():
        row, is_new = KmsWithdrawal.objects.get_or_create(
            **names, defaults={"reason": reason, "withdrawn_by_name": actor.username[:200]}
        )
        if not is_new:
            raise Conflict(
                f"It was withdrawn already, by {row.withdrawn_by_name}: {row.reason}",
                code="kms_upload_withdrawn",
                next_step="Upload the same file again, with the same time, if it shall count after all.",
            )
        if isinstance(found, KmsUpload):
            _forget_computer(found)
        record(actor, "kms.upload_withdrawn", found, project=project, after={"sha256": found.sha256, "reason": reason})
    return row


def _forget_computer(upload: KmsUpload) -> None:
    """What a host's readings say it is was fixed by the first one: without any that names a computer, the next one says it."""
    standing = KmsReadingRow.objects.filter(host=upload.host_id, upload__withdrawal__isnull=True)
    if not standing.filter(facts__host_name__gt="").exists():  # a text names no computer
        KmsHost.objects.filter(pk=upload.host_id).update(computer_name="")


def take_back(upload: KmsUpload | KmsGuestUpload, project: Project, *, actor: Actor) -> None:
    """The very same file was uploaded again: it counts, whatever was said of it before.

    Raises: Conflict, as `fix_computer`: meanwhile the host turned out to be another computer.
    """
    names = {"guest_upload" if isinstance(upload, KmsGuestUpload) else "upload": upload}
    gone, _ = KmsWithdrawal.objects.filter(**names).delete()
    if not gone:
        return
    if isinstance(upload, KmsUpload):
        told = KmsReadingRow.objects.filter(upload=upload, facts__host_name__gt="")
        for computer_name in told.values_list("facts__host_name", flat=True)[:1]:
            fix_computer(upload.host, computer_name)
    record(actor, "kms.withdrawal_taken_back", upload, project=project, after={"sha256": upload.sha256})


def _upload(project: Project, upload_id: UUID) -> KmsUpload | KmsGuestUpload:
    of_host: KmsUpload | None = KmsUpload.objects.filter(pk=upload_id, host__project=project).first()
    of_guests: KmsGuestUpload | None = KmsGuestUpload.objects.filter(pk=upload_id, project=project).first()
    found = of_host or of_guests
    if found is None:
        raise NotVisible("KMS upload")
    return found
