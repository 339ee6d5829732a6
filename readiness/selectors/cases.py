"""Puts a case together for the core: facts, evidence in force, profiles and waivers of a pool at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from estate.facts.planned import PlannedVm
from estate.facts.pool import PoolFacts
from project.backbone.waivers.selectors import waivers
from readiness.core.case import Case
from readiness.core.drawing import draw
from readiness.core.drift import Drift, drift_of
from readiness.core.evidence import EvidenceItem, EvidenceKind
from readiness.core.picture import PoolPicture, picture_of
from readiness.core.policy import GateProfile
from readiness.core.verdict import WaiverInForce
from readiness.models import Evidence, Pool
from readiness.selectors import profiles
from readiness.selectors.pools import latest_facts, pool


def evidence_in_force(pool: Pool, at: datetime) -> tuple[EvidenceItem, ...]:
    """Attestations recorded by `at` that nobody withdrew. Expiry is judged by the core."""
    rows = Evidence.objects.filter(pool=pool, withdraws__isnull=True, withdrawn_by_row__isnull=True, created_at__lte=at)
    return tuple(_item(row) for row in rows.order_by("tested_at", "created_at"))


def _item(row: Evidence) -> EvidenceItem:
    return EvidenceItem(
        id=str(row.id),
        kind=EvidenceKind(row.kind),
        subject=row.subject,
        value=row.value,
        tested_at=row.tested_at,
        who=row.who,
        timeout_s=row.timeout_s,
        storage_node=row.storage_node,
        expires_at=row.expires_at,
        bound_to=row.bound_to,
    )


def waived_as(pool: Pool) -> tuple[str, ...]:
    """What a waiver may call the pool: its id, its name, and its uuid once it was read."""
    return (str(pool.id), pool.name, *([pool.pool_uuid] if pool.pool_uuid else []))


def waivers_of(pool: Pool, at: datetime) -> tuple[WaiverInForce, ...]:
    """Approved, unexpired waivers of checks on this pool; their subject is the pool's id, uuid or name."""
    names = waived_as(pool)
    rows = waivers(pool.project).filter(approved_at__lte=at, expires_at__gt=at, withdrawn_at__isnull=True, subject__in=names)
    return tuple(
        WaiverInForce(str(row.id), row.check_id, row.approved_at, row.expires_at)
        for row in rows.exclude(check_id="").order_by("created_at", "id")
        if row.approved_at is not None
    )


def case_of(pool: Pool, facts: PoolFacts, at: datetime, *, planned: Sequence[PlannedVm] = (), for_cutover: bool = False) -> Case:
    """The case of a pool with these facts at this time; hosts are named in the order of their names."""
    return Case(
        facts=replace(facts, hosts=tuple(sorted(facts.hosts, key=lambda host: host.name))),
        policy=profiles.policy(pool.project.policy_profile),
        at=at,
        evidence=evidence_in_force(pool, at),
        planned=tuple(planned),
        for_cutover=for_cutover,
    )


def gate_of(pool: Pool) -> GateProfile:
    """What closes the gate in the pool's project."""
    return profiles.gate_profile(pool.project.gate_profile, pool.project.policy_profile)


def _latest_case(pool_id: UUID | str, at: datetime) -> Case:
    return case_of(pool(pool_id), latest_facts(pool_id), at)


def pool_picture(pool_id: UUID | str, at: datetime) -> PoolPicture:
    """The picture of a pool by its newest facts. Raises: Conflict `pool_not_collected` (409)."""
    return picture_of(_latest_case(pool_id, at))


def pool_drawing(pool_id: UUID | str, at: datetime) -> str:
    """That picture as SVG text. Raises: Conflict `pool_not_collected` (409)."""
    return draw(pool_picture(pool_id, at))


def drift(pool_id: UUID | str, at: datetime) -> Drift:
    """What no longer is as it was tested. Raises: Conflict `pool_not_collected` (409)."""
    return drift_of(_latest_case(pool_id, at))
