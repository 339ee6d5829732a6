"""Assessing an inventory: every rule on every subject, findings replaced as a whole in one transaction."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from migration.assessment import selectors
from migration.assessment.core.registry import When
from migration.assessment.models import Assessment
from migration.assessment.services import gathering, grouping, storing
from migration.assessment.services.gathering import Known
from migration.assessment.services.judging import Judged, judge
from migration.assessment.services.statements import Heard, note_contradictions, statements_in_force
from migration.inventory import selectors as inventories
from migration.inventory.selectors import Inventory
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.models import Job, Project

Modes = frozenset[When]
ALWAYS: Modes = frozenset()


def ask(inventory: Inventory, *, actor: Actor, modes: Modes | None = None, idempotency_key: str | None = None) -> Job:
    """Ask to assess a complete inventory (again). `modes` None keeps those of its last assessment.

    Raises: RoleTooLow (operator), NotVisible, Conflict `inventory_not_complete` (409).
    """
    actor.require(inventory.project_id, Role.OPERATOR)
    inventories.require_complete(inventory)
    return _enqueue(inventory, actor, modes, idempotency_key)


def ask_latest(project: Project, *, actor: Actor) -> list[Job]:
    """Ask to assess the newest inventory of every source again, because what rules know beside it has changed."""
    return [_enqueue(inventory, actor, None, None) for inventory in inventories.latest_inventories(project)]


def _enqueue(inventory: Inventory, actor: Actor, modes: Modes | None, idempotency_key: str | None) -> Job:
    params = {"inventory_id": str(inventory.id)}
    if modes is not None:
        params["modes"] = ",".join(sorted(modes))
    return jobs.enqueue(
        "assessment.assess",
        project=inventory.project,
        params=params,
        actor=actor,
        subject=str(inventory.source),
        idempotency_key=idempotency_key,
        unique=f"assessment.assess:{inventory.id}:{params.get('modes', '')}",
    )


def assess(inventory: Inventory, *, actor: Actor, modes: Modes | None = None) -> Assessment:
    """Put every subject of the inventory through every rule, with what is known of pools, mapping and people just now.

    Two may run side by side. One that sees another's findings stored since it began judges anew, so that what stays was judged
    on facts no older than any that was stored before. Each lost race is another one's end, so this ends too.
    """
    while True:
        assessment = _assess(inventory, actor, modes)
        if assessment is not None:
            return assessment


def _assess(inventory: Inventory, actor: Actor, modes: Modes | None) -> Assessment | None:
    """None, and nothing written, when somebody else stored findings of the inventory meanwhile."""
    replaced = Assessment.objects.filter(inventory_id=inventory.id).first()
    asked = _modes_of(inventory) if modes is None else modes
    heard = statements_in_force(inventory.project, now())
    with _garbage_left_alone():
        known = gathering.gather(inventory, modes=asked)
        judged = judge(known, selectors.rules_of(inventory.project).values(), heard.statements)
        seen = grouping.look(known)
    with transaction.atomic():
        assessment = _head(replaced, inventory, _told(inventory, asked, judged, heard, known, seen.untied))
        if assessment is None:
            return None
        storing.replace_findings(assessment, judged)
        grouping.replace_seen(assessment, seen)
        note_contradictions(inventory.project, judged.subjects, judged.contradicted)
        after = {"findings": assessment.finding_count, "modes": sorted(asked)}
        record(actor, "inventory.assessed", inventory, project=inventory.project, after=after)
    return assessment


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Facts by the ten thousand are made here and none becomes garbage: the collector would walk all of them again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def assess_latest(project: Project, *, actor: Actor) -> None:
    """Assess the newest inventory of every source again, before something is decided on it.

    Pools may have been read anew, and statements may have been made or have lapsed since.
    """
    for inventory in inventories.latest_inventories(project):
        assess(inventory, actor=actor)


def forget(inventory_id: UUID) -> None:
    """Drop the assessment of an inventory that goes, with its findings."""
    Assessment.objects.filter(inventory_id=inventory_id).delete()


def _modes_of(inventory: Inventory) -> Modes:
    """The modes of its last assessment, else of the newest one of its project: a new inventory is asked like the old one."""
    newest = Assessment.objects.filter(project_id=inventory.project_id).order_by("-assessed_at")
    row = newest.filter(inventory_id=inventory.id).first() or newest.first()
    if row is None:
        return ALWAYS
    return frozenset(mode for mode, wanted in ((When.WARM, row.warm), (When.HA, row.ha)) if wanted)


def _told(inventory: Inventory, modes: Modes, judged: Judged, heard: Heard, known: Known, untied: int) -> dict[str, Any]:
    return {
        "project": inventory.project,
        "limits_version": known.context.limits.version,
        "target_product": inventory.project.target_product,
        "policy_profile": known.context.limits.profile,
        "guests_version": known.context.guests.version,
        "warm": When.WARM in modes,
        "ha": When.HA in modes,
        "machine_count": judged.machine_count,
        "finding_count": judged.finding_count,
        "pool_ids": [str(pool_id) for pool_id in known.pools],
        "assessed_at": now(),
        "attested_until": heard.until,
        "untied": untied,
    }


def _head(replaced: Assessment | None, inventory: Inventory, told: dict[str, Any]) -> Assessment | None:
    """The assessment's row, written only over the one that was there when its facts were read."""
    if replaced is None:
        try:
            with transaction.atomic():
                return Assessment.objects.create(inventory_id=inventory.id, **told)
        except IntegrityError:
            return None
    present = Assessment.objects.filter(pk=replaced.pk, assessed_at=replaced.assessed_at)
    return Assessment.objects.get(pk=replaced.pk) if present.update(**told) else None
