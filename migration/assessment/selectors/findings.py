"""Findings of the latest inventories, with the waivers that cover them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from msgspec import Struct

from migration.assessment.core.registry import Subject
from migration.assessment.core.subjects import INVENTORY
from migration.assessment.models import Assessment, Attestation, Finding, InheritedGaps
from migration.assessment.selectors.rules_known import rules_of
from migration.inventory import selectors as inventory
from project.backbone.models import Project
from project.backbone.waivers.selectors import WaiverInForce, waivers_in_force


class FindingView(Struct, frozen=True, gc=False):
    """One finding with its rule's words and the waiver that covers it, if one is in force; a page of machines has thousands.

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


def latest_assessments(project: Project) -> QuerySet[Assessment]:
    """The assessments of the newest complete inventory of each source."""
    latest = [found.id for found in inventory.latest_inventories(project)]
    return Assessment.objects.filter(project=project, inventory_id__in=latest)


def latest_ids(project: Project) -> list[UUID]:
    """Their ids, for what asks more than once."""
    return list(latest_assessments(project).values_list("id", flat=True))


def latest_findings(project: Project) -> QuerySet[Finding]:
    # By assessment alone: with the project beside them databases walk all of its findings. By ids: then an index gives the order.
    return Finding.objects.filter(assessment__in=latest_ids(project)).select_related("assessment")


def attestations_in_force(project: Project, at: datetime) -> QuerySet[Attestation]:
    """What people stated that is neither withdrawn nor lapsed at `at`."""
    rows = Attestation.objects.filter(project=project, withdrawn_at=None)
    return rows.filter(Q(expires_at=None) | Q(expires_at__gt=at))


def findings_by_machine(
    project: Project, *, at: datetime, machine_ids: Collection[UUID] | None = None, assessments: Sequence[UUID] | None = None
) -> dict[UUID, list[FindingView]]:
    """What stands against machines by their latest inventory, waived or not; of these machines when any are named.

    Questions that are open for a machine's whole source are among them, marked as inherited. `assessments` are `latest_ids`
    where they were asked for already.
    """
    assessments = latest_ids(project) if assessments is None else assessments
    rows = Finding.objects.filter(assessment__in=assessments).order_by("subject", "rule_id")
    if machine_ids is None:
        rows = rows.filter(subject_kind=Subject.MACHINE)
    else:  # ids of machines are no other subject's; with the kind beside them a database walks all findings of that kind
        rows = rows.filter(subject__in=[str(machine) for machine in machine_ids])
    views = _Views(project, at)
    found: dict[UUID, list[FindingView]] = {}
    for row in rows.values_list(*VIEWED):
        found.setdefault(UUID(row[2]), []).append(views.own(*row))
    for machine, name, inherited in _inherited(project, assessments, machine_ids):
        found.setdefault(machine, []).extend(views.inherited(str(machine), name, rows) for rows in inherited)
    return found


_MACHINE = Subject.MACHINE.value
VIEWED = ("rule_id", "subject_kind", "subject", "subject_name", "severity", "result")


class _Views:
    """Findings of one project with the waivers of one moment."""

    def __init__(self, project: Project, at: datetime) -> None:
        self._waivers = {waiver.covers: waiver for waiver in waivers_in_force(project, at)}
        self._rules = rules_of(project)

    def own(self, rule_id: str, kind: str, subject: str, name: str, severity: str, result: str) -> FindingView:
        title, remedy = self._words(rule_id)
        return FindingView(rule_id, kind, subject, name, severity, result, title, remedy, self._waivers.get((rule_id, subject)))

    def inherited(self, subject: str, name: str, whole: tuple[str, ...]) -> FindingView:
        """The machine's share in a question of its whole source: waived for the machine or for all of them."""
        rule_id, severity, result = whole[0], *whole[4:]
        waiver = self._waivers.get((rule_id, subject)) or self._waivers.get((rule_id, whole[2]))
        title, remedy = self._words(rule_id)
        return FindingView(rule_id, _MACHINE, subject, name, severity, result, title, remedy, waiver, inherited=True)

    def is_waived(self, rule_id: str, subject: str) -> bool:
        return (rule_id, subject) in self._waivers

    def _words(self, rule_id: str) -> tuple[str, str]:
        rule = self._rules.get(rule_id)
        return (rule.title, rule.remediation) if rule else (rule_id, "")


def _inherited(
    project: Project, assessments: Sequence[UUID], machine_ids: Collection[UUID] | None
) -> Iterator[tuple[UUID, str, list[tuple[str, ...]]]]:
    """Machines with their names and the inventory-wide findings they inherit. Three queries."""
    whole = Finding.objects.filter(assessment__in=assessments, subject_kind=INVENTORY)
    # Unordered: asked for an order, a database walks all findings in it rather than the few of this kind.
    told = {(row[0], row[1]): row[1:] for row in whole.order_by().values_list("assessment_id", *VIEWED)}
    if not told:
        return
    machines = inventory.machines(project).order_by()
    machines = machines if machine_ids is None else machines.filter(id__in=machine_ids)
    names = {str(machine): name for machine, name in machines.values_list("id", "name")}
    for gaps in InheritedGaps.objects.filter(assessment__in=assessments, subject_kind=_MACHINE):
        rows = [told[gaps.assessment_id, rule_id] for rule_id in gaps.rule_ids]
        for machine in gaps.subjects:
            if machine in names:
                yield UUID(machine), names[machine], rows


def gaps_around(assessments: Sequence[UUID]) -> QuerySet[InheritedGaps]:
    """What hosts and clusters inherit from their whole sources."""
    return InheritedGaps.objects.filter(assessment__in=assessments).exclude(subject_kind=_MACHINE)


def counts(rows: QuerySet[Finding], column: str) -> list[dict[str, Any]]:
    """How many of these findings share each value of a column, the most frequent first."""
    grouped = rows.order_by().values_list(column).annotate(number=Count("id")).order_by("-number", column)
    return [{"value": value, "count": number} for value, number in grouped]


def open_findings(project: Project, *, at: datetime, machine_ids: Collection[UUID]) -> list[FindingView]:
    """The findings on these machines that no waiver covers: what a gate has to answer for."""
    by_machine = findings_by_machine(project, at=at, machine_ids=machine_ids)
    return [finding for findings in by_machine.values() for finding in findings if not finding.waived]


def open_findings_on(project: Project, *, at: datetime, subjects: Collection[str]) -> list[FindingView]:
    """The findings on these hosts, clusters, sources and pools that no waiver covers, each once.

    A question that one of them inherits is told on its inventory.
    """
    views = _Views(project, at)
    wanted, assessments = set(subjects), latest_ids(project)
    told = Q(subject__in=wanted)
    for gaps in gaps_around(assessments):
        heirs = wanted.intersection(gaps.subjects)
        open_ones = [rule_id for rule_id in gaps.rule_ids if any(not views.is_waived(rule_id, subject) for subject in heirs)]
        told |= Q(assessment=gaps.assessment_id, subject_kind=INVENTORY, rule_id__in=open_ones)
    rows = Finding.objects.filter(told, assessment__in=assessments).order_by("subject_name", "rule_id").values_list(*VIEWED)
    return [view for view in dict.fromkeys(views.own(*row) for row in rows) if not view.waived]
