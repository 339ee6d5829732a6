"""A batch's wave: which of the named machines can go where, what stands against the others, and the wave when nothing does.

All or nothing: a batch of which one machine cannot go makes no wave. What stands against machines is told all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from migration.assessment import selectors as assessment
from migration.planning import selectors
from migration.planning.core.mapping import MappingTable, Wish, table_from, with_wishes
from migration.planning.core.reasons import Reason, ReasonCode
from migration.planning.core.waves import WaveDraft, fill
from migration.planning.models import Plan, PlanKind, Wave
from migration.planning.services.candidates import candidates, target_of
from migration.planning.services.plans import write
from project.backbone.accounts.policy import Actor
from project.backbone.models import Project
from readiness.selectors import pools as readiness


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Machines by id, each with what is wished for it; placed in this order by the mapping onto the pool."""

    name: str
    pool_id: UUID
    mapping_id: UUID
    wishes: Mapping[UUID, Wish]


def request_of(name: str, pool: object, mapping: object, asked: Iterable[Mapping[str, Any]]) -> BatchRequest:
    """A batch's request from its JSON form: `asked` is a list of `{vm, sr?, networks?, name?}`; the API checked its shape."""
    wishes = {UUID(str(each["vm"])): Wish(each.get("sr", ""), each.get("networks", {}), each.get("name", "")) for each in asked}
    return BatchRequest(name, UUID(str(pool)), UUID(str(mapping)), wishes)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why one machine of a batch cannot go."""

    machine_id: str
    name: str
    reason: Reason


def draft(project: Project, wanted: BatchRequest) -> tuple[WaveDraft, list[Obstacle]]:
    """The wave as it would be made now, and everything that stands against it. Writes nothing.

    Raises: NotVisible, Conflict `pool_not_collected` (409).
    """
    found = {candidate.machine_id: candidate for candidate in candidates(project, list(wanted.wishes))}
    ordered = [found[key] for key in map(str, wanted.wishes) if key in found]
    filled = fill(ordered, _table(project, wanted), target_of(project, readiness.latest_facts(wanted.pool_id)))
    against = [Obstacle(str(key), "", _stranger(str(key))) for key in wanted.wishes if str(key) not in found]
    against += [
        Obstacle(left.candidate.machine_id, left.candidate.name, reason) for left in filled.left_out for reason in left.reasons
    ]
    return filled, [*against, *_unassessed(project, filled)]


def _table(project: Project, wanted: BatchRequest) -> MappingTable:
    table = table_from(selectors.mapping_values(selectors.mapping(project, wanted.mapping_id)))
    return with_wishes(table, {str(key): wish for key, wish in wanted.wishes.items()})


def _stranger(machine_id: str) -> Reason:
    detail = f"The project has no machine {machine_id}."
    return Reason(ReasonCode.UNKNOWN_MACHINE, machine_id, detail, "Take the id from /machines, or collect the machine's source.")


def _unassessed(project: Project, filled: WaveDraft) -> Iterator[Obstacle]:
    """A machine nobody assessed has no findings, which says nothing: unknown never counts as a pass."""
    held = assessment.assessed_ids(project)
    for each in filled.included:
        candidate = each.candidate
        if UUID(candidate.machine_id) not in held:
            detail = f"The latest inventory of {candidate.name} has not been assessed."
            remedy = "Wait for the assessment's job or repeat it, then try again."
            yield Obstacle(
                candidate.machine_id,
                candidate.name,
                Reason(ReasonCode.NOT_ASSESSED, candidate.name, detail, remedy, unknown=True),
            )


def make_wave(project: Project, wanted: BatchRequest, filled: WaveDraft, *, job_id: UUID, actor: Actor) -> Wave:
    """Write the drafted wave down, once per job: run again, the wave that was made is returned."""
    made = Wave.objects.filter(plan__job_id=job_id).first()
    if made is not None:
        return made
    plan = Plan(
        project=project,
        name=wanted.name,
        kind=PlanKind.BATCH.value,
        pool_id=wanted.pool_id,
        pool_facts_id=readiness.required_inventory(wanted.pool_id).id,
        mapping_id=wanted.mapping_id,
        mapping_values=_values(_table(project, wanted)),
        constraints={},
        job_id=job_id,
        created_by_id=actor.user_id,
        created_by_name=actor.username,
    )
    return write(plan, replace(filled, left_out=()), actor)


def _values(table: MappingTable) -> dict[str, object]:
    """The table as plans keep it, wishes included; an empty part of an override is left out."""
    overrides = {machine: {key: part for key, part in asdict(each).items() if part} for machine, each in table.overrides.items()}
    return {
        "networks": table.networks,
        "datastores": table.datastores,
        "templates": table.templates,
        "overrides": overrides,
        "ha_restart_priority": table.ha_restart_priority,
    }
