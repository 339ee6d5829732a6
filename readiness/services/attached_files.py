"""Files that go with evidence: kept as project.backbone.attachments keeps them, given out to be saved.

Evidence names its file when it is recorded and is never edited; what is handed in afterwards must be that very file.
"""

from __future__ import annotations

import hashlib

from django.db import transaction

from project.backbone.accounts.policy import Actor, Role
from project.backbone.attachments import LARGEST_BYTES, keep, place_of, require_kept_kind
from project.backbone.audit.services import record
from project.backbone.problems import Conflict, NotVisible
from readiness.models import Evidence, EvidenceFile


def attach(evidence: Evidence, content: bytes, *, actor: Actor) -> EvidenceFile:
    """Keep the file that the evidence names. Handed in again it stays as it is; one that got lost is kept anew.

    Raises: RoleTooLow (operator), NotVisible, Conflict `no_attachment_named`, `attachment_differs` (409), AttachmentRefused,
    Refused (507) `file_not_stored`.
    """
    actor.require(evidence.pool.project_id, Role.OPERATOR)
    if evidence.attachment is None:
        raise Conflict(
            "This evidence was recorded without an attachment.",
            code="no_attachment_named",
            next_step="Record it anew with `attachment` {name, sha256}, and withdraw this one.",
        )
    content_type = _checked(evidence.attachment, content)
    with transaction.atomic():
        row, made = EvidenceFile.objects.get_or_create(
            evidence=evidence,
            defaults={"size_bytes": len(content), "content_type": content_type, "stored_by_id": actor.user_id},
        )
        keep(content)
        if made:
            after = {"name": evidence.attachment["name"], "size_bytes": row.size_bytes, "content_type": content_type}
            record(actor, "evidence.file_stored", evidence, project=evidence.pool.project, after=after)
    return row


def read(evidence: Evidence) -> tuple[EvidenceFile, bytes]:
    """The file and what is known of it. Raises: NotVisible (404) when nobody has handed it in, or it is gone."""
    row = EvidenceFile.objects.filter(evidence=evidence).first()
    try:
        content = place_of(str((evidence.attachment or {}).get("sha256", ""))).read_bytes() if row else b""
    except FileNotFoundError:
        row = None
    if row is None:
        raise NotVisible(detail="The file of this evidence was not handed in, or is no longer in the data folder.")
    return row, content


def _checked(named: dict[str, str], content: bytes) -> str:
    if len(content) <= LARGEST_BYTES and hashlib.sha256(content).hexdigest() != named["sha256"].lower():
        raise Conflict(
            f"This is not the file {named['name']} that the evidence names: its SHA-256 is another one.",
            code="attachment_differs",
            next_step="Hand in that file, or record the evidence anew with this one.",
        )
    return require_kept_kind(named["name"], content)
