"""Reading the assessment: limits, findings of the latest inventories, and verdicts with waivers taken into account.

Other apps ask here whether something stands against a machine. Each function costs a constant number of queries.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from migration.assessment.core.guests import GuestTable, guests_from
from migration.assessment.core.limits import Limits, limits_from
from migration.assessment.core.registry import Rule
from migration.assessment.core.results import Answer, Severity
from migration.assessment.core.rules import catalogue
from migration.assessment.core.verdicts import Rated, Verdict, verdict_of
from migration.assessment.models import Assessment, Finding
from migration.inventory import selectors as inventory
from migration.inventory.selectors import Machine, MachineView
from project.backbone.models import Project
from project.backbone.waivers.selectors import WaiverInForce, waivers_in_force

LIMITS_FILE = "data/limits-2026-11.toml"
GUESTS_FILE = "data/guests-2026-11.toml"


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding with its rule's words and the waiver that covers it, if one is in force."""

    rule_id: str
    machine_id: UUID
    machine: str
    severity: str
    result: str
    title: str
    remedy: str
    waiver: WaiverInForce | None = None

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


def findings_by_machine(
    project: Project, *, at: datetime, machine_ids: Collection[UUID] | None = None
) -> dict[UUID, list[FindingView]]:
    """What stands against machines by their latest inventory, waived or not; of these machines when any are named."""
    rows = latest_findings(project)
    if machine_ids is not None:
        rows = rows.filter(machine_id__in=machine_ids)
    waivers = {waiver.covers: waiver for waiver in waivers_in_force(project, at)}
    found: dict[UUID, list[FindingView]] = {}
    for row in rows.values_list("rule_id", "machine_id", "machine_name", "severity", "result"):
        found.setdefault(row[1], []).append(_view(*row, waivers=waivers))
    return found


def open_findings(project: Project, *, at: datetime, machine_ids: Collection[UUID]) -> list[FindingView]:
    """The findings on these machines that no waiver covers: what a gate has to answer for."""
    by_machine = findings_by_machine(project, at=at, machine_ids=machine_ids)
    return [finding for findings in by_machine.values() for finding in findings if not finding.waived]


def _view(
    rule_id: str, machine_id: UUID, machine: str, severity: str, result: str, *, waivers: dict[tuple[str, str], WaiverInForce]
) -> FindingView:
    rule = rules()[rule_id]
    waiver = waivers.get((rule_id, str(machine_id)))
    return FindingView(rule_id, machine_id, machine, severity, result, rule.title, rule.remediation, waiver)


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
