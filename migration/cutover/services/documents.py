"""A customer without a login signs a gate's answer on paper: the document is handed in, and its signature counts as any other.

The paper names the answer by its code. Who hands it in is not who asked the gate, as with every signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction

from migration.cutover.core.answer_code import same_code
from migration.cutover.models import GateDecisionRow
from migration.cutover.selectors import code_of, latest_decision
from migration.cutover.services.gate import require_another_person, require_open
from project.backbone import attachments
from project.backbone.accounts.policy import Actor, Role
from project.backbone.attachments import AttachmentRefused
from project.backbone.audit import services as audit
from project.backbone.clock import now
from project.backbone.models import Project
from project.backbone.problems import Conflict, Invalid, NotVisible

LONGEST_NAME = 80
KINDS = frozenset({"application/pdf", "image/png", "image/jpeg"})


@dataclass(frozen=True, slots=True)
class SignedPaper:
    """What stands on the document: who signed for whom, on which day, and the code of the answer."""

    signatory: str
    organisation: str
    signed_on: date
    answer_code: str


def sign_by_document(
    project: Project, *, wave_id: object, paper: SignedPaper, name: str, content: bytes, actor: Actor
) -> GateDecisionRow:
    """Keep the document and put its signatory's name under the newest answer.

    Raises: RoleTooLow (operator), Conflict `gate_closed`, `gate_stale`, `own_request`, `answer_differs`, `already_signed`;
    Invalid; AttachmentRefused; Refused (507) `file_not_stored`.
    """
    actor.require(project, Role.OPERATOR)
    row = require_open(project, wave_id=wave_id)  # type: ignore[arg-type]
    require_another_person(row, actor)
    if row.signed_at is not None:
        raise _signed_already()
    _require_about(row, paper)
    content_type = attachments.require_kept_kind(name, content)
    if content_type not in KINDS:
        raise AttachmentRefused(f"{name} is no signed document.", next_step="Hand in a PDF, or a scan as PNG or JPEG.")
    document = {
        "name": name,
        "sha256": attachments.keep(content),
        "size_bytes": len(content),
        "content_type": content_type,
        "signatory": paper.signatory,
        "organisation": paper.organisation,
        "signed_on": paper.signed_on.isoformat(),
        "answer_code": code_of(row),
        "recorded_by_name": actor.username,
    }
    _write(project, row, document, actor)
    row.refresh_from_db()
    return row


def read_document(wave_id: object) -> tuple[dict[str, object], bytes]:
    """The document of the newest answer and its bytes. Raises: NotVisible."""
    row = latest_decision(wave_id)  # type: ignore[arg-type]
    if row is None or not row.signed_document:
        raise NotVisible(detail="The newest answer of this gate was not signed by a document.")
    try:
        return row.signed_document, attachments.place_of(row.signed_document["sha256"]).read_bytes()
    except FileNotFoundError:
        raise NotVisible(detail="The document is no longer in the data folder.") from None


def _require_about(row: GateDecisionRow, paper: SignedPaper) -> None:
    for field in ("signatory", "organisation"):
        if not 1 <= len(getattr(paper, field).strip()) <= LONGEST_NAME:
            errors = [{"field": field, "code": "invalid", "detail": f"1 to {LONGEST_NAME} characters."}]
            raise Invalid(f"The {field} has 1 to {LONGEST_NAME} characters.", errors=errors)
    if not row.decided_at.date() <= paper.signed_on <= now().date():
        raise Invalid(
            f"The document is said to be signed on {paper.signed_on}, the answer is of {row.decided_at:%Y-%m-%d}.",
            errors=[{"field": "signed_on", "code": "invalid", "detail": "Not a day from the answer's to today."}],
            next_step="Give the day on which it was signed, in UTC: not before the answer, and not in the future.",
        )
    if not same_code(paper.answer_code, code_of(row)):
        raise Conflict(
            "The document is about another answer of this gate.",
            code="answer_differs",
            next_step=f"Have the newest answer signed: its code is {code_of(row)}.",
        )


@transaction.atomic
def _write(project: Project, row: GateDecisionRow, document: dict[str, object], actor: Actor) -> None:
    told = f"{document['signatory']}, {document['organisation']} (signed document)"
    changed = GateDecisionRow.objects.filter(pk=row.pk, signed_at=None).update(
        signed_by_name=told, signed_at=now(), signed_document=document
    )
    if not changed:
        raise _signed_already()
    audit.record(actor, "gate.sign_by_document", row, project=project, after=document)


def _signed_already() -> Conflict:
    return Conflict(
        "This answer of the gate is signed already.",
        code="already_signed",
        next_step="Leave it as it is, or ask the gate again for an answer of its own.",
    )
