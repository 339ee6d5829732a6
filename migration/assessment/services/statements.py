"""What people attested, as assessments hear it: the newest statement in force for each rule and subject."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from migration.assessment import selectors
from migration.assessment.core.statements import Statement, Statements
from migration.assessment.models import Attestation
from project.backbone.models import Project


@dataclass(frozen=True, slots=True)
class Heard:
    """`until` is when the first of the statements lapses; None when none does."""

    statements: Statements
    until: datetime | None


def statements_in_force(project: Project, at: datetime) -> Heard:
    """All statements that count at `at`; of two about the same, the newer."""
    rows = list(selectors.attestations_in_force(project, at).order_by("created_at", "id"))
    found: dict[str, dict[str, Statement]] = {}
    for row in rows:
        said = Statement(str(row.id), row.answer, row.who, row.note, row.created_at)
        found.setdefault(row.rule_id, {}).update(dict.fromkeys(row.subjects, said))
    return Heard(found, min((row.expires_at for row in rows if row.expires_at), default=None))


def note_contradictions(project: Project, asked: Collection[str], contradicted: Mapping[str, list[str]]) -> None:
    """Write beside each statement where known facts contradict it; subjects that were not asked just now stay as they were."""
    asked = set(asked)
    for row in Attestation.objects.filter(project=project, withdrawn_at=None):
        found = [subject for subject in row.contradicted if subject not in asked] + contradicted.get(str(row.id), [])
        if found != row.contradicted:
            Attestation.objects.filter(pk=row.pk).update(contradicted=found)
