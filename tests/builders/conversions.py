"""Builders for conversions and waves without a lab: specs, conversions in any state, an approved wave, answers of its gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from migration.conversion.core.spec import ConversionSpec, Targets, build_spec
from migration.conversion.core.states import State
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle
from migration.cutover.core.gate import GateDecision, GateState
from migration.cutover.core.gate_facts import Reason
from migration.cutover.models import GateDecisionRow, Phase
from migration.cutover.services import gate
from migration.planning.core.states import PlanState
from migration.planning.models import Mapping, Plan, Wave
from project.backbone.accounts.policy import Actor
from project.backbone.clock import now
from project.backbone.models import Endpoint, Project
from tests.builders.estate import a_vm

SYSTEM = Actor.system("test")
REASON = Reason("HA-022", "pool01", "the timeout is 60 s", "set it to 120 s", "pool.ha_configuration")


def a_spec(name: str = "app-01", *, endpoint_id: object = "", **changes: Any) -> ConversionSpec:
    """What would be made of `a_vm`: one disk on `sr-1`, one NIC on `net-1`."""
    targets = Targets(
        source_endpoint_id=str(endpoint_id or uuid4()),
        pool_endpoint_id=str(endpoint_id or uuid4()),
        template_name="Windows Server 2019 (64-bit)",
        sr_by_disk={2000: "sr-1"},
        network_by_nic={4000: "net-1"},
    )
    return replace(build_spec(str(uuid4()), a_vm(name), targets), **changes)


def a_conversion(
    project: Project, name: str = "app-01", *, state: str = State.PLANNED, wave_id: UUID | None = None
) -> Conversion:
    """A conversion that is in `state`, however it got there."""
    rows = lifecycle.create(project, wave_id=wave_id or uuid4(), pool_id=uuid4(), specs=[a_spec(name)], actor=SYSTEM)
    Conversion.objects.filter(pk=rows[0].pk).update(state=str(state))
    return Conversion.objects.select_related("project").get(pk=rows[0].pk)


def a_wave(project: Project, *, approved: bool = True) -> Wave:
    """A wave of a plan, without machines."""
    mapping = Mapping.objects.create(project=project, name=f"mapping {uuid4()}")
    plan = Plan.objects.create(
        project=project,
        name="plan",
        kind="migration",
        state=PlanState.APPROVED if approved else PlanState.DRAFT,
        pool_id=uuid4(),
        pool_facts_id=uuid4(),
        mapping=mapping,
        mapping_values={},
        job_id=uuid4(),
        created_by_name="planner",
    )
    return Wave.objects.create(plan=plan, number=1, name="Wave 1")


def an_answer(
    wave: Wave,
    *reasons: Reason,
    asked_by: Actor = SYSTEM,
    at: datetime | None = None,
    phase: Phase = Phase.ASKED,
    signed_as: UUID | None = None,
) -> GateDecisionRow:
    """An answer of the gate: closed for the reasons given, open without any; `signed_as` as inside a cutover."""
    decision = GateDecision(GateState.CLOSED if reasons else GateState.OPEN, at or now(), reasons)
    return gate.record(
        wave.plan.project,
        wave_id=wave.pk,
        phase=phase,
        decision=decision,
        fact_ids={},
        actor=asked_by,
        signed_as=signed_as,
    )


def an_endpoint(project: Project) -> Endpoint:
    return Endpoint.objects.create(project=project, kind="vcenter", name=f"vc {uuid4()}", url="https://vc.example")
