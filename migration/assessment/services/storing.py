"""Writing findings by the ten thousand: rows go to the database as prepared values, past the ORM's cost per row.

One statement is executed for many rows on either database; JSON is encoded once here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from json import JSONEncoder
from typing import Any
from uuid import uuid4

from django.db import connection

from estate.facts.codec import to_json
from migration.assessment.core.assess import RuleFinding
from migration.assessment.core.registry import Subject
from migration.assessment.core.results import Evidence
from migration.assessment.core.subjects import About
from migration.assessment.models import Assessment, Finding, InheritedGaps
from migration.assessment.services.judging import Judged
from project.backbone.clock import now

ROWS_PER_STATEMENT = 2000
COLUMNS = (
    "id", "created_at", "project_id", "assessment_id", "subject_kind", "subject", "subject_name", "cluster", "rule_id",
    "severity", "result", "params", "evidence",
)  # fmt: skip
_encode = JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=to_json).encode


def replace_findings(assessment: Assessment, judged: Judged) -> None:
    """Store what was judged in the place of what the assessment held before. Call inside a transaction."""
    Finding.objects.filter(assessment=assessment)._raw_delete(connection.alias)
    assessment.inherited.all().delete()
    InheritedGaps.objects.bulk_create(
        InheritedGaps(
            assessment=assessment,
            subject_kind=kind.value,
            rule_ids=list(rules),
            subjects=[about.subject for about in abouts],
            names=[] if kind is Subject.MACHINE else [[about.name, about.cluster] for about in abouts],
        )
        for (kind, rules), abouts in judged.gaps.sets.items()
    )
    rows = _rows(assessment, judged)
    with connection.cursor() as cursor:
        while chunk := list(islice(rows, ROWS_PER_STATEMENT)):
            cursor.executemany(_statement(), chunk)


def _statement() -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, COLUMNS))
    places = ", ".join(["%s"] * len(COLUMNS))
    return f"INSERT INTO {quote(Finding._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608 - names are constants


def _rows(assessment: Assessment, judged: Judged) -> Iterator[tuple[Any, ...]]:
    key = Finding._meta.pk
    head = (
        connection.ops.adapt_datetimefield_value(now()),
        key.get_db_prep_value(assessment.project_id, connection),
        key.get_db_prep_value(assessment.id, connection),
    )
    for about, findings in judged.found:
        for finding in findings:
            yield (key.get_db_prep_value(uuid4(), connection), *head, *_values(about, finding))


def _evidence(each: Evidence) -> dict[str, Any]:
    told = {"path": each.path, "raw": each.raw, "at": each.at.isoformat()}
    return told | {"told_by": each.told_by} if each.told_by else told


def _values(about: About, finding: RuleFinding) -> tuple[str, ...]:
    outcome = finding.outcome
    evidence = [_evidence(each) for each in outcome.evidence]
    return (
        about.kind,
        about.subject,
        about.name[:500],
        about.cluster[:500],
        finding.rule.id,
        outcome.severity.value,
        outcome.answer.value,
        _encode(outcome.params),
        _encode(evidence),
    )
