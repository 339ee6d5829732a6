"""Gathers what core decides on: machines with facts, findings and names as candidates, and the pool as a target."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from uuid import UUID

from estate.facts.pool import PoolFacts
from estate.facts.unknown import is_known
from migration.assessment import selectors as assessment
from migration.assessment.core.routing import Runbook
from migration.assessment.selectors import FindingView, RouteView
from migration.inventory import selectors as inventories
from migration.inventory.selectors import MachineView
from migration.planning.core.placement import EstateNames
from migration.planning.core.target import Target, disk_srs
from migration.planning.core.waves import Candidate, OpenFinding
from project.backbone.clock import now
from project.backbone.models import Project
from project.backbone.waivers.selectors import waivers_in_force

NO_NAMES = EstateNames({}, {})


def candidates(project: Project, machine_ids: Collection[UUID] | None = None) -> list[Candidate]:
    """The project's machines (or these), with latest facts and the findings no waiver covers, by name."""
    rows = inventories.machines(project)
    if machine_ids is not None:
        rows = rows.filter(id__in=machine_ids)
    views = inventories.machine_views(rows)
    findings = assessment.findings_by_machine(project, at=now(), machine_ids=machine_ids)
    names = {held: _names(held) for held in {view.inventory_id for view in views} if held is not None}
    ways, mates = assessment.ways(project, [view.id for view in views]), assessment.mates(project)
    accepted = {waiver.subject for waiver in waivers_in_force(project, now()) if waiver.check_id == assessment.CLONE_RISK}
    found = (_candidate(view, findings.get(view.id, []), names) for view in views)
    return [_routed(each, ways[UUID(each.machine_id)], accepted, mates.get(UUID(each.machine_id), {})) for each in found]


def _routed(candidate: Candidate, route: RouteView, accepted: Collection[str], mates: Mapping[str, str]) -> Candidate:
    """The candidate with the way it goes; an accepted risk sends a clone the conversion's way."""
    words = assessment.route_words(route)
    cloned = route.runbook == Runbook.GOLD_IMAGE and candidate.machine_id not in accepted
    return replace(
        candidate,
        gold_image=words if cloned else "",
        route_open=words if route.runbook == assessment.UNKNOWN_ROUTE else "",
        mates=mates,
    )


def target_of(project: Project, pool: PoolFacts) -> Target:
    """The pool with the VDI limits of the project's product, where its SR kinds decide them."""
    limits = assessment.limits(project.target_product, project.policy_profile)
    sizes = {sr.uuid: limits.vdi_limit_bytes(sr.kind) for sr in disk_srs(pool)}
    return Target(pool, {uuid: size for uuid, size in sizes.items() if is_known(size)})


def _names(inventory_id: UUID) -> EstateNames:
    return EstateNames(inventories.network_names(inventory_id), inventories.datastore_names(inventory_id))


def _candidate(view: MachineView, findings: list[FindingView], names: dict[UUID, EstateNames]) -> Candidate:
    return Candidate(
        machine_id=str(view.id),
        name=view.name,
        disposition=view.disposition,
        vm=view.vm,
        names=NO_NAMES if view.inventory_id is None else names[view.inventory_id],
        findings=tuple(OpenFinding(f.rule_id, f.severity, f.result, f.title, f.remedy) for f in findings if not f.waived),
        exportable=view.endpoint_id is not None or bool(view.package_path),
        in_package=bool(view.package_path),
    )
