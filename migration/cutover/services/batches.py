"""What people do with a batch: ask for it (or for a dry run), make its wave, take its failed machines up again.

A batch is no way round anything: its wave cuts over by the same signed gate as any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from migration.conversion import selectors as conversions
from migration.cutover import selectors
from migration.cutover.core.batch import BatchOptions, options_from
from migration.cutover.models import Batch
from migration.inventory import selectors as inventories
from migration.planning import selectors as planning
from migration.planning.services import batches as waves
from migration.planning.services.batches import BatchRequest, Obstacle, request_of
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.jobs import services as jobs
from project.backbone.jobs.services import IdempotencyKey
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict, Invalid
from readiness.selectors import pools as readiness

Wanted = dict[str, Any]
"""`{name, pool, mapping, conversions: [{vm, sr, networks, name}], options}` in JSON values; the shape is the API's to check."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request led to. A dry run has no batch."""

    job: Job
    batch: Batch | None


def ask(project: Project, wanted: Wanted, *, dry_run: bool, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Asked:
    """Ask for a batch, or for what would stand against it.

    Raises: RoleTooLow (operator), NotVisible (pool, mapping), Conflict `pool_not_collected` (409), Invalid naming every
    conversion that cannot be meant (a dry run tells of unknown machines with everything else).
    """
    actor.require(project, Role.OPERATOR)
    earlier = jobs.job_of_key(idempotency_key, project=project, actor=actor)
    if earlier is not None:
        return Asked(earlier, selectors.batch_of_job(earlier.pk))
    readiness.required_inventory(readiness.pool_of_project(project, wanted["pool"]).id)
    planning.mapping(project, wanted["mapping"])
    _require_each_once(project, wanted["conversions"], known_only=not dry_run)
    if dry_run:
        return Asked(_enqueue(project, "cutover.try_batch", {"wanted": wanted}, wanted["name"], actor, idempotency_key), None)
    return _ask_for_real(project, wanted, actor, idempotency_key)


@transaction.atomic
def _ask_for_real(project: Project, wanted: Wanted, actor: Actor, key: IdempotencyKey | None) -> Asked:
    batch = Batch(
        id=uuid4(),
        project=project,
        name=wanted["name"],
        pool_id=wanted["pool"],
        mapping_id=wanted["mapping"],
        asked=wanted["conversions"],
        options=wanted["options"],
        created_by_id=actor.user_id,
        created_by_name=actor.username,
    )
    job = _enqueue(project, "cutover.run_batch", {"batch_id": str(batch.pk), "again": False}, batch.name, actor, key)
    earlier = selectors.batch_of_job(job.pk)
    if earlier is not None:  # the same key came a second time in this very moment
        return Asked(job, earlier)
    batch.job_id = batch.made_by_job_id = job.pk
    batch.save(force_insert=True)
    after = {"name": batch.name, "conversions": len(batch.asked), "options": batch.options}
    record(actor, "batch.asked_for", batch, project=project, after=after)
    return Asked(job, batch)


def _enqueue(project: Project, kind: str, params: Wanted, name: str, actor: Actor, key: IdempotencyKey | None) -> Job:
    unique = f"{kind}:{params['batch_id']}" if "batch_id" in params else None
    return jobs.enqueue(kind, project=project, params=params, actor=actor, subject=name, idempotency_key=key, unique=unique)


def _require_each_once(project: Project, asked: list[Wanted], *, known_only: bool) -> None:
    ids = [str(each["vm"]) for each in asked]
    twice = {key for key, number in Counter(ids).items() if number > 1}
    known = {str(key) for key in inventories.machines(project).filter(id__in=set(ids)).values_list("id", flat=True)}
    errors = [
        {"field": f"conversions.{index}.vm", "code": code, "detail": detail}
        for index, key in enumerate(ids)
        for code, detail in _against(key, twice, known if known_only else None)
    ]
    if errors:
        raise Invalid(
            f"{len(errors)} of {len(ids)} conversions cannot be meant: {errors[0]['detail']}",
            errors=errors,
            next_step="Correct the listed conversions, with ids of /machines, each once.",
        )


def _against(key: str, twice: set[str], known: set[str] | None) -> Iterator[tuple[str, str]]:
    if key in twice:
        yield "named_twice", f"The machine {key} stands in this batch more than once."
    if known is not None and key not in known:
        yield "unknown_machine", f"The project has no machine {key}."


def problems_of(project: Project, wanted: Wanted) -> list[Wanted]:
    """Everything that planning has against a batch, machine by machine, as the API shows it. Changes nothing."""
    request = request_of(wanted["name"], wanted["pool"], wanted["mapping"], wanted["conversions"])
    _, against = waves.draft(project, request)
    return [*map(_problem, against), *_busy(project, request)]


def make_wave(batch: Batch, *, actor: Actor) -> UUID | None:
    """The batch's wave, made if it can be; None, and the batch knows why, when anything stands against it."""
    if batch.wave_id is not None:
        return batch.wave_id
    request = request_of(batch.name, batch.pool_id, batch.mapping_id, batch.asked)
    filled, against = waves.draft(batch.project, request)
    problems = [*map(_problem, against), *_busy(batch.project, request)]
    with transaction.atomic():
        if not problems:
            batch.wave_id = waves.make_wave(batch.project, request, filled, job_id=batch.made_by_job_id, actor=actor).pk
        batch.problems = problems
        batch.save(update_fields=["wave_id", "problems"])
    return batch.wave_id


def _problem(against: Obstacle) -> Wanted:
    reason = against.reason
    return {
        "vm": against.machine_id,
        "name": against.name,
        "code": reason.code.value,
        "subject": reason.subject,
        "detail": reason.detail,
        "next_step": reason.remedy,
        "unknown": reason.unknown,
    }


def _busy(project: Project, request: BatchRequest) -> list[Wanted]:
    """Machines that another conversion is taking, or has taken, into a pool: two copies of one machine must not both start."""
    return [
        {
            "vm": str(row.machine_id),
            "name": row.name,
            "code": "machine_in_conversion",
            "subject": row.name,
            "detail": f"{row.name} has a conversion that is {row.state}.",
            "next_step": "Retry, roll back or cancel that conversion, or leave the machine out.",
            "unknown": False,
        }
        for row in conversions.standing(project.pk, request.wishes)
    ]


@transaction.atomic
def retry(batch: Batch, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the job that takes up what failed or was never begun; of a refused batch, that checks it again.

    Raises: RoleTooLow (operator), Conflict `nothing_failed` (409).
    """
    actor.require(batch.project, Role.OPERATOR)
    earlier = jobs.job_of_key(idempotency_key, project=batch.project, actor=actor)
    if earlier is not None:
        return earlier
    if batch.wave_id is not None and not conversions.has_retryable(batch.wave_id) and conversions.has_any(batch.wave_id):
        raise Conflict(
            f"No conversion of {batch.name} waits to be begun, or failed before its VM was started.",
            code="nothing_failed",
            next_step="Ask the gate of its wave when they are ready; retry or roll back by itself what failed after its start.",
        )
    params = {"batch_id": str(batch.pk), "again": True}
    job = _enqueue(batch.project, "cutover.run_batch", params, batch.name, actor, idempotency_key)
    Batch.objects.filter(pk=batch.pk).update(job_id=job.pk)
    return job


def options_of_wave(wave_id: UUID | str) -> BatchOptions:
    """How the wave's machines are run: as its batch asks, or as every wave is."""
    batch = selectors.batch_of_wave(wave_id)
    return options_from(batch.options if batch is not None else {})
