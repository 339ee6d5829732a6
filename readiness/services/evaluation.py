"""Evaluations: judge a pool for a list of planned VMs and keep the verdict. The cutover gate calls `evaluate` too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from estate.facts.codec import to_json
from estate.facts.planned import PlannedVm
from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record
from project.backbone.problems import NotVisible
from readiness.core.engine import HaIntent
from readiness.core.faults.pairs import simulated_faults
from readiness.core.faults.singles import SimulatedFault
from readiness.core.verdict import Verdict, closed_by, judge, staleness, unreachable
from readiness.models import Evaluation, Pool, PoolInventory
from readiness.selectors import cases, profiles
from readiness.selectors.evaluations import EvaluationView, view_of
from readiness.selectors.pools import facts_of, pool, required_inventory


def evaluate(
    pool_id: UUID | str,
    *,
    planned: Sequence[PlannedVm] = (),
    at: datetime,
    actor: Actor,
    facts_id: UUID | str | None = None,
    for_cutover: bool = False,
    unreachable_because: str = "",
) -> EvaluationView:
    """Judge a pool by a reading (`facts_id`, else the newest) and the waivers in force at `at`, and keep the result.

    `for_cutover`: stale evidence fails, and facts older than four hours close. `unreachable_because`: the pool could not be
    read just now, which is a fail whatever older facts say.

    Raises: NotVisible (404), Conflict `pool_not_collected` (409).
    """
    target = pool(pool_id)
    if unreachable_because:
        return _kept(target, None, unreachable(target.name, unreachable_because), (), planned, at, for_cutover, actor)
    inventory = _inventory(target, facts_id)
    case = cases.case_of(target, facts_of(inventory), at, planned=planned, for_cutover=for_cutover)
    intent = HaIntent(target.ha_intent)
    faults = simulated_faults(case) if intent is HaIntent.REQUIRED else ()
    verdict = judge(case, intent=intent, gate=cases.gate_of(target), waivers=cases.waivers_of(target, at), faults=faults)
    return _kept(target, inventory, closed_by(verdict, *staleness(case)), faults, planned, at, for_cutover, actor)


def _inventory(target: Pool, facts_id: UUID | str | None) -> PoolInventory:
    if facts_id is None:
        return required_inventory(target.id)
    found = PoolInventory.objects.filter(pk=facts_id, pool=target).first()
    if found is None:
        raise NotVisible("reading of this pool")
    return found


def planned_digest(planned: Sequence[PlannedVm]) -> str:
    """SHA-256 over the planned VMs in the order of their ids; the empty list has one too."""
    listed = [to_json(vm) for vm in sorted(planned, key=lambda vm: vm.machine_id)]
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()


def _kept(
    target: Pool,
    inventory: PoolInventory | None,
    verdict: Verdict,
    faults: tuple[SimulatedFault, ...],
    planned: Sequence[PlannedVm],
    at: datetime,
    for_cutover: bool,
    actor: Actor,
) -> EvaluationView:
    policy = profiles.policy(target.project.policy_profile)
    with transaction.atomic():
        row = Evaluation.objects.create(
            pool=target,
            inventory=inventory,
            planned_digest=planned_digest(planned),
            policy_profile=policy.name,
            policy_version=policy.version,
            gate_profile=target.project.gate_profile,
            for_cutover=for_cutover,
            verdict=verdict.state.value,
            checks=[to_json(check) for check in verdict.checks],
            reasons=[to_json(reason) for reason in verdict.reasons],
            simulated_faults=[to_json(fault) for fault in faults],
            refused_waivers=list(verdict.refused_waivers),
            evaluated_at=at,
        )
        after = {"verdict": row.verdict, "facts": str(inventory.id) if inventory else None, "reasons": len(verdict.reasons)}
        record(actor, "pool.evaluated", target, project=target.project, after=after)
    return view_of(row)
