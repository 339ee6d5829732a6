"""What people and the wave ask of conversions: create, prepare, copy, go live, retry, cancel, roll back. Each asks for a job.

The conversion remembers the job asked for last; a leg of an older one finds another name there and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from estate.facts.codec import to_json
from migration.conversion import selectors
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.states import Event, State, may, may_be_rolled_back
from migration.conversion.models import Conversion, DiskCopy
from migration.conversion.services.progress import doubt_copies
from migration.conversion.services.streams import queue_up
from migration.conversion.services.transitions import WrongState, move, note
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit import services as audit
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.jobs.services import IdempotencyKey
from project.backbone.jobs.states import UNFINISHED
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict

KINDS = (
    "conversion.prepare",
    "conversion.copy",
    "conversion.go_live",
    "conversion.clean_up",
    "conversion.roll_back",
    "conversion.finish",
)
ROWS_PER_INSERT = 500
_UNFINISHED = [state.value for state in UNFINISHED]


def create(
    project: Project,
    *,
    wave_id: UUID,
    pool_id: UUID,
    specs: Iterable[ConversionSpec],
    actor: Actor,
    verify: str = "",
    priority: int = 0,
) -> list[Conversion]:
    """One conversion per machine of a wave, in this order; asking again returns the ones that exist.

    Without `verify` they are made under the project's policy.
    """
    actor.require(project, Role.OPERATOR)
    wanted = {UUID(spec.machine_id): spec for spec in specs}
    blank = Conversion(
        project=project,
        wave_id=wave_id,
        pool_id=pool_id,
        verify=verify or selectors.running_settings(project).verify,
        priority=priority,
    )
    try:
        _create(blank, wanted, actor)
    except IntegrityError:  # somebody else made some of them in this very moment
        _create(blank, wanted, actor)
    rows = Conversion.objects.filter(wave_id=wave_id, machine_id__in=wanted).select_related("project")
    found = {row.machine_id: row for row in rows}
    return [found[machine_id] for machine_id in wanted]


@transaction.atomic
def _create(blank: Conversion, wanted: dict[UUID, ConversionSpec], actor: Actor) -> None:
    known = set(Conversion.objects.filter(wave_id=blank.wave_id, machine_id__in=wanted).values_list("machine_id", flat=True))
    at = now()
    made = [
        Conversion(
            created_at=at + timedelta(milliseconds=number),  # lists go by it, and shall keep the order asked for
            project=blank.project,
            wave_id=blank.wave_id,
            machine_id=machine_id,
            pool_id=blank.pool_id,
            verify=blank.verify,
            priority=blank.priority,
            name=spec.name,
            spec=to_json(spec),
            updated_at=at,
        )
        for number, (machine_id, spec) in enumerate(wanted.items())
        if machine_id not in known
    ]
    Conversion.objects.bulk_create(made, batch_size=ROWS_PER_INSERT)
    disks = [disk for row in made for disk in _disks(row, wanted[row.machine_id])]
    DiskCopy.objects.bulk_create(disks, batch_size=ROWS_PER_INSERT)
    for row in made:
        audit.record(actor, "conversion.create", row, project=blank.project, after={"name": row.name, "verify": row.verify})


def _disks(conversion: Conversion, spec: ConversionSpec) -> Iterator[DiskCopy]:
    for disk in spec.disks:
        yield DiskCopy(
            conversion=conversion,
            device_key=disk.device_key,
            label=disk.label,
            position=disk.position,
            sr_uuid=disk.sr_uuid,
            bytes_total=disk.capacity_bytes,
        )


@transaction.atomic
def start_preparing(conversion: Conversion, *, actor: Actor) -> Job:
    """Move to preparing and ask for the job that makes the halted VM; a conversion that is past this is left alone."""
    if may(State(conversion.state), Event.PREPARE):
        move(conversion.pk, Event.PREPARE, actor=actor, message="Preparation asked for")
    return _enqueue(conversion, "conversion.prepare", actor)


def start_copying(conversion: Conversion, *, actor: Actor) -> Job:
    """Ask for the job that stops the source and copies its disks. The gate must have been asked by the caller."""
    with transaction.atomic():
        job = _enqueue(conversion, "conversion.copy", actor)
        queue_up(conversion, job)
    return job


def start_going_live(conversion: Conversion, *, actor: Actor) -> Job:
    """Ask for the job that starts the VM in the pool. The gate must have been asked again by the caller."""
    return _enqueue(conversion, "conversion.go_live", actor)


@transaction.atomic
def retry(
    conversion: Conversion, *, actor: Actor, discard_writes: bool = False, idempotency_key: IdempotencyKey | None = None
) -> Job:
    """Take a failed conversion up again. What was copied stays, if its source is provably unchanged, and is proven anew.

    A VM that has run is removed with its disks and made again with `discard_writes`, and refused without.
    """
    actor.require(conversion.project, Role.OPERATOR)
    earlier = jobs.job_of_key(idempotency_key, project=conversion.project, actor=actor)
    if earlier is not None:
        return earlier
    _refuse_unless(conversion, Event.RETRY)
    _refuse_while_rolling_back(conversion)
    _refuse_to_lose_writes(conversion, discard_writes)
    doubt_copies(conversion)
    move(conversion.pk, Event.RETRY, actor=actor, message=_asked("Retry", discard_writes), error=None, step="")
    return _enqueue(conversion, "conversion.prepare", actor, idempotency_key, **_discarding(discard_writes))


@transaction.atomic
def cancel(
    conversion: Conversion, *, actor: Actor, discard_writes: bool = False, idempotency_key: IdempotencyKey | None = None
) -> Job:
    """Stop a conversion for good; its objects in the pool are removed by a job. The source is left as it is.

    A VM that has run is removed with `discard_writes` only.
    """
    actor.require(conversion.project, Role.OPERATOR)
    earlier = jobs.job_of_key(idempotency_key, project=conversion.project, actor=actor)
    if earlier is not None:
        return earlier
    _refuse_unless(conversion, Event.CANCEL)
    _refuse_while_starting(conversion, "cancelled")
    _refuse_to_lose_writes(conversion, discard_writes)
    running, seen = conversion.job_id, {"start_asked_at": conversion.start_asked_at}
    move(conversion.pk, Event.CANCEL, actor=actor, message=_asked("Cancel", discard_writes), while_still=seen)
    if running is not None:
        jobs.cancel(Job.objects.get(pk=running), actor)
    return _enqueue(conversion, "conversion.clean_up", actor, idempotency_key, **_discarding(discard_writes))


def _asked(what: str, discard_writes: bool) -> str:
    return f"{what} asked for" + ("; what the VM wrote in the pool may be lost" if discard_writes else "")


def _discarding(discard_writes: bool) -> dict[str, bool]:
    return {"discard_writes": True} if discard_writes else {}


def roll_back(conversion: Conversion, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the job that stops the VM in the pool, blocks it, and powers the source on if it ran before."""
    actor.require(conversion.project, Role.OPERATOR)
    if not may_be_rolled_back(State(conversion.state), source_touched=conversion.source_was_touched):
        raise WrongState(conversion.name, conversion.state, Event.ROLL_BACK)
    _refuse_while_starting(conversion, "rolled back")
    return _enqueue(conversion, "conversion.roll_back", actor, idempotency_key)


def finish(conversion: Conversion, *, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the job that takes a failed machine whose VM runs in the pool for moved, if its source is off.

    Nothing is started by it: the gate let the start through that was asked for before.
    """
    actor.require(conversion.project, Role.OPERATOR)
    if not may(State(conversion.state), Event.FINISH) or conversion.start_asked_at is None:
        raise WrongState(conversion.name, conversion.state, Event.FINISH)
    _refuse_while_rolling_back(conversion)
    return _enqueue(conversion, "conversion.finish", actor, idempotency_key)


def stop_work(conversion: Conversion, *, actor: Actor) -> None:
    """Cancel the job that copies a machine, or would start it; a start that the pool was asked for goes on to its end.

    The machine fails by it, so that it can be taken up again or rolled back.
    """
    keys = {_key(kind, conversion) for kind in ("conversion.copy", "conversion.go_live")}
    for job in Job.objects.filter(unique_key__in=keys, state__in=_UNFINISHED):
        if job.kind == "conversion.copy" or conversion.start_asked_at is None:
            jobs.cancel(job, actor)


def _refuse_unless(conversion: Conversion, event: Event) -> None:
    if not may(State(conversion.state), event):
        raise WrongState(conversion.name, conversion.state, event)


def _refuse_while_rolling_back(conversion: Conversion) -> None:
    if Job.objects.filter(unique_key=_key("conversion.roll_back", conversion), state__in=_UNFINISHED).exists():
        raise Conflict(
            f"{conversion.name} is being rolled back; it cannot be taken up again at the same time.",
            code="conversion_busy",
            next_step="Wait until the rollback has ended, or cancel its job.",
        )


def _enqueue(
    conversion: Conversion, kind: str, actor: Actor, idempotency_key: IdempotencyKey | None = None, **params: bool
) -> Job:
    with transaction.atomic():
        job = jobs.enqueue(
            kind,
            project=conversion.project,
            params={"conversion_id": str(conversion.pk), **params},
            actor=actor,
            subject=conversion.name,
            unique=_key(kind, conversion),
            idempotency_key=idempotency_key,
        )
        Conversion.objects.filter(pk=conversion.pk).update(job_id=job.pk)
        note(conversion, f"Job {kind} asked for by {actor.username}")
    return job


def _refuse_while_starting(conversion: Conversion, wish: str) -> None:
    """Once the pool was asked to start it, a VM may run at any moment; what runs is rolled back, not removed."""
    going_live = Job.objects.filter(unique_key=_key("conversion.go_live", conversion), state__in=_UNFINISHED)
    if conversion.start_asked_at is not None and going_live.exists():
        raise Conflict(
            f"{conversion.name} is being started in the pool; it cannot be {wish} now.",
            code="conversion_busy",
            next_step="Wait until it runs, then roll it back; or cancel the job that starts it.",
        )


def _refuse_to_lose_writes(conversion: Conversion, discard_writes: bool) -> None:
    if conversion.start_asked_at is not None and not discard_writes:
        raise Conflict(
            f"{conversion.name} may have run in the pool since {conversion.start_asked_at:%Y-%m-%d %H:%M} UTC: "
            "what it wrote would be lost.",
            code="vm_has_run",
            next_step="Roll it back, which keeps its disks; or say discard_writes, if what it wrote may be lost.",
        )


def _key(kind: str, conversion: Conversion) -> str:
    return f"{kind}:{conversion.pk}"


def unfinished(job_ids: list[str]) -> int:
    """How many of these jobs still run, wait or stand in the queue."""
    return Job.objects.filter(pk__in=job_ids, state__in=_UNFINISHED).count()


def others_at_work(conversion: Conversion, *, but: UUID) -> int:
    """How many unfinished jobs besides `but` still work on the conversion: a cancelled one ends at its next safe point."""
    keys = [_key(kind, conversion) for kind in KINDS]
    return Job.objects.filter(unique_key__in=keys, state__in=_UNFINISHED).exclude(pk=but).count()
