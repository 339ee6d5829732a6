"""Plans: ask for one, make it (by the job), approve it by a second person. An approved plan never changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from estate.facts.codec import to_json
from migration.assessment.services import assessing
from migration.inventory import selectors as inventories
from migration.planning import selectors
from migration.planning.core.mapping import table_from
from migration.planning.core.reasons import Reason
from migration.planning.core.states import IllegalTransition, PlanEvent, PlanState, next_state
from migration.planning.core.waves import WaveDraft, fill
from migration.planning.models import Plan, PlannedMachine, Wave
from migration.planning.services.candidates import candidates, target_of
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict, Invalid
from readiness.selectors import pools as readiness

ROWS_PER_INSERT = 500


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What somebody wants planned. Without `machine_ids`: every machine of the project whose disposition is migrate."""

    kind: str
    pool_id: UUID
    mapping_id: UUID
    machine_ids: tuple[UUID, ...] | None
    name: str
    constraints: dict[str, Any]


def ask(project: Project, wanted: PlanRequest, *, actor: Actor, idempotency_key: str | None = None) -> Job:
    """Ask for the job that makes the plan.

    Raises: RoleTooLow (planner), NotVisible (pool, mapping), Invalid (machines), Conflict `pool_not_collected` (409).
    """
    actor.require(project, Role.PLANNER)
    readiness.required_inventory(readiness.pool_of_project(project, wanted.pool_id).id)
    selectors.mapping(project, wanted.mapping_id)
    _check_machines(project, wanted.machine_ids)
    return jobs.enqueue(
        "planning.plan", project=project, params=asdict(wanted), actor=actor, subject=wanted.name, idempotency_key=idempotency_key
    )


def _check_machines(project: Project, machine_ids: tuple[UUID, ...] | None) -> None:
    if machine_ids is None:
        return
    known = set(inventories.machines(project).filter(id__in=machine_ids).values_list("id", flat=True))
    strangers = [str(machine) for machine in machine_ids if machine not in known]
    if strangers or not machine_ids:
        detail = f"The project has no machine {', '.join(strangers[:5])}." if strangers else "Name at least one machine."
        raise Invalid(
            detail,
            errors=[{"field": "machines", "code": "unknown_machine", "detail": detail}],
            next_step="Take machine ids from /machines, or leave `machines` out to plan all that shall migrate.",
        )


def make(wanted: PlanRequest, *, job_id: UUID, actor: Actor) -> Plan:
    """Make the plan of a job: assess again with the pool known, fill the wave, write all of it down. Made once per job.

    Raises: NotVisible, Conflict `pool_not_collected` (409).
    """
    made = Plan.objects.filter(job_id=job_id).first()
    if made is not None:
        return made
    project = readiness.pool(wanted.pool_id).project
    reading = readiness.required_inventory(wanted.pool_id)
    values = selectors.mapping_values(selectors.mapping(project, wanted.mapping_id))
    assessing.assess_latest(project, actor=actor)
    moving = candidates(project, wanted.machine_ids)
    if wanted.machine_ids is None:
        moving = [candidate for candidate in moving if candidate.disposition == "migrate"]
    draft = fill(moving, table_from(values), target_of(project, readiness.facts_of(reading)))
    plan = Plan(
        project=project,
        name=wanted.name,
        kind=wanted.kind,
        pool_id=wanted.pool_id,
        pool_facts_id=reading.id,
        mapping_id=wanted.mapping_id,
        mapping_values=values,
        constraints=wanted.constraints,
        job_id=job_id,
        created_by_id=actor.user_id,
        created_by_name=actor.username,
    )
    write(plan, draft, actor)
    return plan


@transaction.atomic
def write(plan: Plan, draft: WaveDraft, actor: Actor) -> Wave:
    """Store a plan with its one wave and what it says of each machine; the wave."""
    plan.save(force_insert=True)
    wave = Wave.objects.create(plan=plan, number=1, name=f"{plan.name}, wave 1", free_after_bytes=dict(draft.free_after_bytes))
    PlannedMachine.objects.bulk_create(_rows(plan, wave, draft), batch_size=ROWS_PER_INSERT)
    after = {"wave": str(wave.id), "included": len(draft.included), "left_out": len(draft.left_out)}
    record(actor, "plan.made", plan, project=plan.project, after=after)
    return wave


def _rows(plan: Plan, wave: Wave, draft: WaveDraft) -> Iterator[PlannedMachine]:
    for position, place in enumerate(draft.included):
        yield PlannedMachine(
            plan=plan, wave=wave, position=position, machine_id=place.candidate.machine_id, name=place.candidate.name,
            placement=to_json(replace(place.placement, why=())), why=list(place.why),
        )  # fmt: skip
    for position, left in enumerate(draft.left_out, start=len(draft.included)):
        yield PlannedMachine(
            plan=plan, wave=None, position=position, machine_id=left.candidate.machine_id, name=left.candidate.name,
            reasons=[reason_json(reason) for reason in left.reasons],
        )  # fmt: skip


def reason_json(reason: Reason) -> dict[str, Any]:
    """A reason as it is stored and shown, with its sentence."""
    return {**asdict(reason), "code": reason.code.value, "sentence": reason.sentence}


@transaction.atomic
def approve(plan: Plan, *, actor: Actor) -> Plan:
    """Freeze the plan under a second person's name.

    Raises: RoleTooLow (approver), NotVisible, Conflict `own_request`, `wrong_state` or `plan_empty` (409).
    """
    actor.require_approver(plan.project_id)
    _require_approvable(plan, actor)
    target = _approved(plan)
    changed = Plan.objects.filter(pk=plan.pk, state=plan.state, version=plan.version).update(
        state=target.value,
        approved_by_id=actor.user_id,
        approved_by_name=actor.username,
        approved_at=now(),
        version=plan.version + 1,
    )
    if not changed:
        raise Conflict(f"Plan {plan.name} was changed meanwhile.", code="wrong_state", next_step="Read it again.")
    record(actor, "plan.approved", plan, project=plan.project, before={"state": plan.state}, after={"state": target.value})
    plan.refresh_from_db()
    return plan


def _require_approvable(plan: Plan, actor: Actor) -> None:
    if plan.created_by_id is not None and plan.created_by_id == actor.user_id:
        raise Conflict(
            f"Plan {plan.name} was made by you; another person has to approve it.",
            code="own_request",
            next_step="Ask another approver of the project.",
        )
    if not plan.machines.filter(wave__isnull=False).exists():
        raise Conflict(
            f"Plan {plan.name} has no machine in its wave.",
            code="plan_empty",
            next_step="Work through the reasons of the machines left out, then make a new plan.",
        )


def _approved(plan: Plan) -> PlanState:
    try:
        return next_state(PlanState(plan.state), PlanEvent.APPROVE)
    except IllegalTransition:
        raise Conflict(
            f"Plan {plan.name} is {plan.state} already.", code="wrong_state", next_step="Make a new plan to change it."
        ) from None
