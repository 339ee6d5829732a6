"""Machines with their verdicts, waivers taken into account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from migration.assessment.core.results import Answer, Severity
from migration.assessment.core.verdicts import Rated, Verdict, verdict_of
from migration.assessment.selectors.findings import FindingView, findings_by_machine, latest_assessments
from migration.inventory import selectors as inventory
from migration.inventory.selectors import Machine, MachineView
from project.backbone.models import Project


@dataclass(frozen=True, slots=True)
class AssessedMachine:
    """A machine's latest facts with what was found on it."""

    view: MachineView
    verdict: Verdict
    findings: tuple[FindingView, ...]


def verdict(findings: Iterable[FindingView], *, assessed: bool) -> Verdict:
    """The verdict over findings as read from here."""
    kinds = {(f.severity, f.result, f.waiver is not None) for f in findings}
    return verdict_of(
        (Rated(Severity(severity), Answer(result), waived) for severity, result, waived in kinds), assessed=assessed
    )


def assessed_machines(project: Project, machines: Iterable[Machine], *, at: datetime) -> list[AssessedMachine]:
    """Machines in the order given, each with latest facts, findings and verdict."""
    views = inventory.machine_views(machines)
    latest = dict(latest_assessments(project).values_list("id", "inventory_id"))
    findings = findings_by_machine(project, at=at, machine_ids=[view.id for view in views], assessments=list(latest))
    assessed = set(latest.values())
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
