"""Reading the assessment: limits, findings of the latest inventories, and verdicts with waivers taken into account.

Other apps ask here whether something stands against a machine. Each function costs a constant number of queries.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from migration.assessment.core.guests import GuestTable, guests_from
from migration.assessment.core.limits import Limits, limits_from
from migration.assessment.core.registry import Rule, Subject
from migration.assessment.core.results import SEVERITIES, Answer, Severity
from migration.assessment.core.rules import catalogue
from migration.assessment.core.subjects import INVENTORY
from migration.assessment.core.verdicts import Rated, Verdict, verdict_of
from migration.assessment.models import Assessment, Attestation, Finding, InheritedGaps
from migration.inventory import selectors as inventory
from migration.inventory.selectors import Machine, MachineView
from project.backbone.models import Project
from project.backbone.waivers.selectors import WaiverInForce, waivers_in_force

LIMITS_FILE = "data/limits-2026-11.toml"
GUESTS_FILE = "data/guests-2026-11.toml"


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding with its rule's words and the waiver that covers it, if one is in force.

    `inherited`: a question open for the machine's whole source, told once on the inventory.
    """

    rule_id: str
    subject_kind: str
    subject: str
    subject_name: str
    severity: str
    result: str
    title: str
    remedy: str
    waiver: WaiverInForce | None = None
    inherited: bool = False

    @property
    def waived(self) -> bool:
        return self.waiver is not None


@dataclass(frozen=True, slots=True)
class AssessedMachine:
    """A machine's latest facts with what was found on it."""

    view: MachineView
    verdict: Verdict
    findings: tuple[FindingView, ...]


@cache
def limits(product: str) -> Limits:
    """The limits of a target product from the newest data file. Raises: UnknownProduct."""
    return limits_from(_table(LIMITS_FILE), product)


@cache
def guests() -> GuestTable:
    """The guest table from the newest data file."""
    return guests_from(_table(GUESTS_FILE))


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("migration.assessment").joinpath(name).read_text(encoding="utf-8"))


@cache
def rules() -> dict[str, Rule]:
    """Every rule by id."""
    return {rule.id: rule for rule in catalogue()}


def latest_assessments(project: Project) -> QuerySet[Assessment]:
    """The assessments of the newest complete inventory of each source."""
    latest = [found.id for found in inventory.latest_inventories(project)]
    return Assessment.objects.filter(project=project, inventory_id__in=latest)


def latest_findings(project: Project) -> QuerySet[Finding]:
    return Finding.objects.filter(project=project, assessment__in=latest_assessments(project)).select_related("assessment")


def rules_of(project: Project) -> dict[str, Rule]:
    """Every rule that is asked in a project, by id."""
    return rules()


def attestations_in_force(project: Project, at: datetime) -> QuerySet[Attestation]:
    """What people stated that is neither withdrawn nor lapsed at `at`."""
    rows = Attestation.objects.filter(project=project, withdrawn_at=None)
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=at))


def findings_by_machine(
    project: Project, *, at: datetime, machine_ids: Collection[UUID] | None = None
) -> dict[UUID, list[FindingView]]:
    """What stands against machines by their latest inventory, waived or not; of these machines when any are named.

    Questions that are open for a machine's whole source are among them, marked as inherited.
    """
    rows = latest_findings(project).filter(subject_kind=Subject.MACHINE)
    if machine_ids is not None:
        rows = rows.filter(subject__in=[str(machine) for machine in machine_ids])
    views = _Views(project, at)
    found: dict[UUID, list[FindingView]] = {}
    for row in rows.values_list(*VIEWED):
        found.setdefault(UUID(row[2]), []).append(views.own(*row))
    for machine, name, inherited in _inherited(project, machine_ids):
        found.setdefault(machine, []).extend(views.inherited(str(machine), name, rows) for rows in inherited)
    return found


VIEWED = ("rule_id", "subject_kind", "subject", "subject_name", "severity", "result")


class _Views:
    """Findings of one project with the waivers of one moment."""

    def __init__(self, project: Project, at: datetime) -> None:
        self._waivers = {waiver.covers: waiver for waiver in waivers_in_force(project, at)}
        self._rules = rules_of(project)

    def own(self, rule_id: str, kind: str, subject: str, name: str, severity: str, result: str) -> FindingView:
        rule, waiver = self._rules.get(rule_id), self._waivers.get((rule_id, subject))
        title, remedy = (rule.title, rule.remediation) if rule else (rule_id, "")
        return FindingView(rule_id, kind, subject, name, severity, result, title, remedy, waiver)

    def inherited(self, subject: str, name: str, whole: tuple[str, ...]) -> FindingView:
        """The machine's share in a question of its whole source: waived for the machine or for all of them."""
        view = self.own(whole[0], Subject.MACHINE.value, subject, name, *whole[4:])
        return replace(view, inherited=True, waiver=view.waiver or self._waivers.get((whole[0], whole[2])))


def _inherited(project: Project, machine_ids: Collection[UUID] | None) -> Iterator[tuple[UUID, str, list[tuple[str, ...]]]]:
    """Machines with their names and the inventory-wide findings they inherit. Three queries."""
    whole = latest_findings(project).filter(subject_kind=INVENTORY).values_list("assessment_id", *VIEWED)
    told = {(row[0], row[1]): row[1:] for row in whole}
    if not told:
        return
    machines = inventory.machines(project) if machine_ids is None else inventory.machines(project).filter(id__in=machine_ids)
    names = {str(machine): name for machine, name in machines.values_list("id", "name")}
    for gaps in InheritedGaps.objects.filter(assessment__in=latest_assessments(project)):
        rows = [told[gaps.assessment_id, rule_id] for rule_id in gaps.rule_ids]
        for machine in gaps.machine_ids:
            if machine in names:
                yield UUID(machine), names[machine], rows


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
        for machine, name, rows in _inherited(project, None)
        for row in rows
        if not rule_id or row[0] == rule_id
    ]
    return list(dict.fromkeys(own + inherited))


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
    rows = latest_findings(project).filter(result=Answer.UNKNOWN.value).values_list("rule_id", "subject_kind", "params__machines")
    for rule_id, kind, machines in rows.order_by():
        found[rule_id] = found.get(rule_id, 0) + (machines if kind == INVENTORY else 1)
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
    return {*map(str, machines), *found}


def counts(rows: QuerySet[Finding], column: str) -> list[dict[str, Any]]:
    """How many of these findings share each value of a column, the most frequent first."""
    grouped = rows.order_by().values_list(column).annotate(number=Count("id")).order_by("-number", column)
    return [{"value": value, "count": number} for value, number in grouped]


def open_findings(project: Project, *, at: datetime, machine_ids: Collection[UUID]) -> list[FindingView]:
    """The findings on these machines that no waiver covers: what a gate has to answer for."""
    by_machine = findings_by_machine(project, at=at, machine_ids=machine_ids)
    return [finding for findings in by_machine.values() for finding in findings if not finding.waived]


def open_findings_on(project: Project, *, at: datetime, subjects: Collection[str]) -> list[FindingView]:
    """The findings on these hosts, clusters, sources and pools that no waiver covers, each once."""
    views = _Views(project, at)
    rows = latest_findings(project).filter(subject__in=set(subjects)).order_by("subject_name", "rule_id").values_list(*VIEWED)
    return [view for view in dict.fromkeys(views.own(*row) for row in rows) if not view.waived]


def verdict(findings: Iterable[FindingView], *, assessed: bool) -> Verdict:
    """The verdict over findings as read from here."""
    rated = (Rated(Severity(f.severity), Answer(f.result), waived=f.waived) for f in findings)
    return verdict_of(rated, assessed=assessed)


def assessed_machines(project: Project, machines: Iterable[Machine], *, at: datetime) -> list[AssessedMachine]:
    """Machines in the order given, each with latest facts, findings and verdict."""
    views = inventory.machine_views(machines)
    findings = findings_by_machine(project, at=at, machine_ids=[view.id for view in views])
    assessed = set(latest_assessments(project).values_list("inventory_id", flat=True))
    return [_assessed(view, findings.get(view.id, []), view.inventory_id in assessed) for view in views]


def _assessed(view: MachineView, findings: list[FindingView], assessed: bool) -> AssessedMachine:
    return AssessedMachine(view, verdict(findings, assessed=assessed and view.vm is not None), tuple(findings))


def assessed_ids(project: Project) -> set[UUID]:
    """Ids of the machines that an assessed latest inventory holds; of all others nobody knows what stands against them."""
    assessed = latest_assessments(project).values_list("inventory_id", flat=True)
    return set(inventory.machine_ids_held(project, list(assessed)))


def verdicts(project: Project, *, at: datetime) -> dict[UUID, Verdict]:
    """Every machine's verdict, in the machines' order; unknown where no assessed latest inventory holds it. Reads no facts."""
    findings = findings_by_machine(project, at=at)
    held = assessed_ids(project)
    ids = inventory.machines(project).values_list("id", flat=True)
    return {machine: verdict(findings.get(machine, []), assessed=machine in held) for machine in ids}


def machine_ids_with_verdict(project: Project, wanted: Verdict, *, at: datetime) -> list[UUID]:
    """Ids of all machines with this verdict."""
    return [machine for machine, held in verdicts(project, at=at).items() if held is wanted]
