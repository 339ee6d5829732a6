"""Assessing an inventory: every rule on every machine, findings replaced as a whole in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import transaction

from estate.facts.codec import to_json
from estate.facts.pool import PoolFacts
from estate.facts.source import VmFacts
from migration.assessment import selectors
from migration.assessment.core.assess import RuleFinding, asked_of, findings_of
from migration.assessment.core.context import Estate, RuleContext, Target, largest_vdi_bytes, mac_owners, pool_mac_owners
from migration.assessment.core.registry import Subject
from migration.assessment.models import Assessment, Finding
from migration.inventory import selectors as inventories
from migration.inventory.selectors import Inventory
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.models import Job, Project
from readiness.selectors import pools as readiness

ROWS_PER_INSERT = 500


def ask(inventory: Inventory, *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask to assess a complete inventory (again).

    Raises: RoleTooLow (operator), NotVisible, Conflict `inventory_not_complete` (409).
    """
    actor.require(inventory.project_id, Role.OPERATOR)
    inventories.require_complete(inventory)
    return jobs.enqueue(
        "assessment.assess",
        project=inventory.project,
        params={"inventory_id": str(inventory.id)},
        actor=actor,
        subject=str(inventory.source),
        idempotency_key=idempotency_key,
        unique=f"assessment.assess:{inventory.id}",
    )


def assess(inventory: Inventory, *, actor: Actor) -> Assessment:
    """Put every machine of the inventory through every rule, with what is known of the project's pools just now."""
    project = inventory.project
    pools = _known_pools(project)
    vms = inventories.vms(inventory)
    context = _context(inventory, vms, list(pools.values()))
    rules = asked_of(selectors.rules().values(), Subject.MACHINE, context.modes)
    found = [(vm, findings_of(vm, context, rules)) for vm in vms]
    with transaction.atomic():
        assessment, _ = Assessment.objects.update_or_create(
            inventory_id=inventory.id,
            defaults={
                "project": project,
                "limits_version": context.limits.version,
                "target_product": context.limits.product,
                "machine_count": len(vms),
                "finding_count": sum(len(findings) for _, findings in found),
                "pool_ids": [str(pool_id) for pool_id in pools],
                "assessed_at": now(),
            },
        )
        assessment.findings.all().delete()
        rows = _rows(assessment, inventories.machine_ids(inventory), found)
        Finding.objects.bulk_create(rows, batch_size=ROWS_PER_INSERT)
        record(actor, "inventory.assessed", inventory, project=project, after={"findings": assessment.finding_count})
    return assessment


def assess_latest(project: Project, *, actor: Actor) -> None:
    """Assess the newest inventory of every source again, before something is decided on it."""
    for inventory in inventories.latest_inventories(project):
        assess(inventory, actor=actor)


def _known_pools(project: Project) -> dict[UUID, PoolFacts]:
    readings = ((pool.id, readiness.latest_inventory(pool.id)) for pool in readiness.pools(project))
    return {pool_id: readiness.facts_of(reading) for pool_id, reading in readings if reading is not None}


def _context(inventory: Inventory, vms: list[VmFacts], pools: list[PoolFacts]) -> RuleContext:
    limits = selectors.limits(inventory.project.target_product)
    others = [found for found in inventories.latest_inventories(inventory.project) if found.source_id != inventory.source_id]
    estate = [*vms, *(vm for other in others for vm in inventories.vms(other))]
    return RuleContext(
        collected_at=inventory.collected_at or now(),
        asked_at=now(),
        limits=limits,
        guests=selectors.guests(),
        estate=Estate(mac_owners=mac_owners(estate)),
        target=Target(pools=tuple(pools), mac_owners=pool_mac_owners(pools), largest_vdi_bytes=largest_vdi_bytes(pools, limits)),
    )


def _rows(
    assessment: Assessment, machine_ids: dict[str, UUID], found: Iterable[tuple[VmFacts, Iterable[RuleFinding]]]
) -> Iterator[Finding]:
    for vm, findings in found:
        for finding in findings:
            yield Finding(
                project_id=assessment.project_id,
                assessment=assessment,
                machine_id=machine_ids[vm.native_id],
                machine_name=vm.name,
                rule_id=finding.rule.id,
                severity=finding.outcome.severity.value,
                result=finding.outcome.answer.value,
                params=dict(finding.outcome.params),
                evidence=[_evidence(asdict(evidence)) for evidence in finding.outcome.evidence],
            )


def _evidence(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "at": values["at"].isoformat(), "raw": to_json(values["raw"])}
