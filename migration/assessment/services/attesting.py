"""Recording what people answer where no source does: in bulk, with a name, and with an assessment asked for right after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from migration.assessment import selectors
from migration.assessment.core.results import Answer
from migration.assessment.models import Attestation
from migration.assessment.services import assessing
from migration.inventory import selectors as inventories
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.models import Project
from project.backbone.problems import Conflict, Invalid

NEXT_STEP = "GET findings?result=unknown lists the open questions with their rules and subjects."


def attest(
    project: Project,
    *,
    rule_id: str,
    answer: bool,
    who: str,
    note: str = "",
    expires_at: datetime | None = None,
    subjects: Collection[str] = (),
    source: UUID | None = None,
    cluster: str = "",
    all: bool = False,
    actor: Actor,
) -> Attestation:
    """Record one answer for all these subjects, and ask for a new assessment.

    Name `subjects`, or narrow the open ones by `source`, `cluster` or `all`.
    Raises: RoleTooLow (operator), NotVisible, Invalid (rule, subjects, none left, an end in the past).
    """
    actor.require(project, Role.OPERATOR)
    chosen = list(dict.fromkeys(subjects or _open_subjects(project, rule_id, source, cluster, all)))
    errors = [*_objections(project, rule_id, chosen, expires_at)]
    if errors:
        raise Invalid("This cannot be attested.", errors=errors, next_step=NEXT_STEP)
    row = Attestation(
        project=project, rule_id=rule_id, subjects=chosen, answer=answer, who=who.strip(), note=note.strip(),
        expires_at=expires_at, recorded_by_id=actor.user_id, recorded_by_name=actor.username,
    )  # fmt: skip
    with transaction.atomic():
        row.save(force_insert=True)
        record(actor, "attestation.recorded", row, project=project, after=_public(row))
        assessing.ask_latest(project, actor=actor)
    return row


def withdraw(row: Attestation, *, actor: Actor) -> Attestation:
    """Take a statement back; its question is open again. Raises: RoleTooLow (operator), Conflict `attestation_withdrawn`."""
    actor.require(row.project_id, Role.OPERATOR)
    with transaction.atomic():
        if not Attestation.objects.filter(pk=row.pk, withdrawn_at=None).update(withdrawn_at=now()):
            raise Conflict("It was withdrawn already.", code="attestation_withdrawn", next_step="Attest anew if it holds again.")
        row.refresh_from_db()
        record(actor, "attestation.withdrawn", row, project=row.project, after=_public(row))
        assessing.ask_latest(row.project, actor=actor)
    return row


def _open_subjects(project: Project, rule_id: str, source: UUID | None, cluster: str, everything: bool) -> Iterable[str]:
    """Subjects on which the rule is open, of one source or cluster, or all of them."""
    if not (source or cluster or everything):
        return
    machines = _machines_of(project, source)
    for finding in selectors.open_questions(project, rule_id):
        here = finding.subject in machines or finding.subject.startswith((f"host:{source}:", f"cluster:{source}:"))
        if (source is None or here) and (not cluster or finding.cluster == cluster):
            yield finding.subject


def _machines_of(project: Project, source: UUID | None) -> set[str]:
    if source is None:
        return set()
    return {str(machine) for machine in inventories.machines(project).filter(source_id=source).values_list("id", flat=True)}


def _objections(project: Project, rule_id: str, chosen: list[str], expires_at: datetime | None) -> Iterator[dict[str, str]]:
    if rule_id not in selectors.rules_of(project):
        yield {"field": "rule_id", "code": "does_not_exist", "detail": f"There is no rule {rule_id!r}."}
    if not chosen:
        yield {"field": "machines", "code": "required", "detail": "No subject is named, and none is open in this choice."}
    known = selectors.known_subjects(project)
    strangers = [subject for subject in chosen if subject not in known]
    if strangers:
        detail = f"The project has no {', '.join(strangers[:5])}."
        yield {"field": "machines", "code": "does_not_exist", "detail": detail}
    if expires_at is not None and expires_at <= now():
        yield {"field": "expires_at", "code": "in_the_past", "detail": "The end must lie ahead."}


def _public(row: Attestation) -> dict[str, Any]:
    answer = Answer.TRUE if row.answer else Answer.FALSE
    return {"rule_id": row.rule_id, "answer": answer.value, "subjects": len(row.subjects), "who": row.who, "note": row.note}
