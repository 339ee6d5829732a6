"""What nobody could answer, subject by subject and rule by rule."""

from __future__ import annotations

from dataclasses import dataclass

from migration.assessment.core.registry import Subject
from migration.assessment.core.results import SEVERITIES, Answer, Severity
from migration.assessment.core.subjects import INVENTORY, MANY
from migration.assessment.selectors.findings import _inherited, gaps_around, latest_findings, latest_ids
from migration.assessment.selectors.rules_known import rules_of
from migration.inventory import selectors as inventory
from project.backbone.models import Project


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A rule that is unknown on a subject; `cluster` is empty where none is known."""

    rule_id: str
    subject: str
    subject_name: str
    cluster: str


def open_questions(project: Project, rule_id: str = "") -> list[OpenQuestion]:
    """What nobody could answer in the latest inventories, subject by subject, of one rule when it is named."""
    rows = latest_findings(project).filter(result=Answer.UNKNOWN.value).exclude(subject_kind=INVENTORY)
    if rule_id:
        rows = rows.filter(rule_id=rule_id)
    own = [OpenQuestion(*row) for row in rows.values_list("rule_id", "subject", "subject_name", "cluster")]
    clusters = _cluster_of_machine(project)
    inherited = [
        OpenQuestion(row[0], str(machine), name, clusters.get(str(machine), ""))
        for machine, name, rows in _inherited(project, latest_ids(project), None)
        for row in rows
        if not rule_id or row[0] == rule_id
    ]
    around = [
        OpenQuestion(rule, subject, *named)
        for gaps in gaps_around(latest_ids(project))
        for rule in gaps.rule_ids
        for subject, named in zip(gaps.subjects, gaps.names, strict=True)
        if not rule_id or rule == rule_id
    ]
    return list(dict.fromkeys(own + inherited + around))


def open_by_subject(project: Project) -> list[OpenQuestion]:
    """What nobody could answer, once for each subject; what is open for a whole source once, on `inventory:` and that source."""
    rows = latest_findings(project).filter(result=Answer.UNKNOWN.value).order_by("rule_id", "subject_name", "id")
    found = (OpenQuestion(*row) for row in rows.values_list("rule_id", "subject", "subject_name", "cluster"))
    return list(dict.fromkeys(found))


_INHERITING = tuple(f"params__{many}" for many in MANY.values())


@dataclass(frozen=True, slots=True)
class QuestionOfRule:
    """A rule that is open on `subjects` of the project's subjects."""

    rule_id: str
    severity: str
    title: str
    remedy: str
    subjects: int


def questions_by_rule(project: Project) -> list[QuestionOfRule]:
    """Open questions by rule, critical ones first, then those open on most. Two queries."""
    found: dict[str, int] = {}
    rows = latest_findings(project).filter(result=Answer.UNKNOWN.value)
    for rule_id, kind, *inheriting in rows.order_by().values_list("rule_id", "subject_kind", *_INHERITING):
        found[rule_id] = found.get(rule_id, 0) + (sum(filter(None, inheriting)) if kind == INVENTORY else 1)
    known = rules_of(project)
    listed = [QuestionOfRule(r.id, r.severity.value, r.title, r.remediation, found[r.id]) for r in map(known.get, found) if r]
    return sorted(listed, key=lambda q: (SEVERITIES.index(Severity(q.severity)), -q.subjects, q.rule_id))


def _cluster_of_machine(project: Project) -> dict[str, str]:
    """Clusters of the machines, as far as any finding of theirs says."""
    rows = latest_findings(project).filter(subject_kind=Subject.MACHINE).exclude(cluster="")
    return dict(rows.order_by().values_list("subject", "cluster").distinct())


def known_subjects(project: Project) -> set[str]:
    """Everything of the project that a person can speak about: its machines, and what findings are about."""
    machines = inventory.machines(project).values_list("id", flat=True)
    found = latest_findings(project).exclude(subject_kind=INVENTORY).order_by().values_list("subject", flat=True).distinct()
    around = (subject for gaps in gaps_around(latest_ids(project)) for subject in gaps.subjects)
    return {*map(str, machines), *found, *around}
