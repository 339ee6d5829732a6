"""The legs of a conversion as its jobs run them: each opens its sessions and walks its steps of the itinerary.

A leg that was finished is not run again; a leg that was cut off begins at the state the conversion is in.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from migration.conversion import selectors
from migration.conversion.core.itinerary import Leg, steps_of
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.states import Event, State
from migration.conversion.core.verifying import policy_from
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle, progress, streams
from migration.conversion.services.transitions import move
from migration.conversion.work import copying, earlier, proving, target
from migration.conversion.work.lanes import Machine
from migration.conversion.work.sessions import pool_of
from migration.conversion.work.sources import MachineSource, source_of
from project.backbone.jobs.context import JobContext
from project.backbone.problems import Conflict

LET_GO_S = 1.0
TURN_S = 0.5
LONGEST_TURN_S = 10.0


def prepare(job: JobContext, conversion_id: str, *, discard_writes: bool = False) -> dict[str, Any]:
    """Make the halted, blocked VM with its VDIs and interfaces; with `discard_writes` one that has run is made anew."""
    row = selectors.conversion(conversion_id)
    if not is_due(job, row, State.PREPARING):
        return told(row)
    spec = selectors.spec_of(row)
    with pool_of(spec, job.alive) as pool:
        earlier.settle(pool, row, spec, discard_writes=discard_writes)
        row.refresh_from_db()
        for step in steps_of(spec, Leg.PREPARE):
            job.alive()
            progress.begin_step(row, step)
            target.PREPARE_STEPS[step.name](pool, row, spec)
    move(row.pk, Event.PREPARED, actor=job.actor, message="The VM is made in the pool, halted, its start blocked")
    return told(row)


def copy(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Bring the source down, copy its disks, read them back, confirm that nothing happened to it meanwhile."""
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if not is_due(job, row, State.READY, State.COPYING, State.VERIFYING):
        return told(row)
    lanes = _take_turn(job, row)
    with source_of(spec, job) as source, pool_of(spec, job.alive) as pool:
        machine = Machine(spec, pool, job, lanes, partial(streams.narrow, row, job.claim.fence))
        earlier.require_untouched(pool, row, spec)
        if row.state == State.READY:
            begin(row, spec, "stop_source", "check_package")
            move(row.pk, Event.SOURCE_STOPPED, actor=job.actor, message=_settle_source(source, row, spec))
        row.refresh_from_db()
        source.require_unchanged(row)
        if row.state == State.COPYING:
            begin(row, spec, "copy_disks")
            copying.copy_disks(source, machine, row)
            move(row.pk, Event.DISKS_COPIED, actor=job.actor, message="All disks are copied")
        begin(row, spec, "verify_disks")
        proving.verify_disks(source, replace(machine, lanes=_take_turn(job, row)), row)
        begin(row, spec, "count_bytes")
        target.count_bytes(pool, row, spec)
        begin(row, spec, "confirm_unchanged")
        source.require_unchanged(row)
    move(row.pk, Event.DISKS_VERIFIED, actor=job.actor, message=proving.COMPARED[policy_from(row.verify).level])
    streams.leave(row)
    return told(row)


def _settle_source(source: MachineSource, row: Conversion, spec: ConversionSpec) -> str:
    """Have the source off and known. What an earlier attempt copied stays only if the source is provably as it was then."""
    if row.source_marker is not None:
        if source.is_unchanged(row):
            return "The source is as it was; what is copied of it stays"
        progress.forget_copies(row)
    source.bring_down(row)
    return "The package is the one that was planned with" if spec.package_path else "The source is confirmed off"


def _take_turn(job: JobContext, row: Conversion) -> int:
    """Go on with a stream's turn, in so many lanes as there is room for; or give the slot back until there is one."""
    answer = streams.enter(row, job_id=job.id, fence=job.claim.fence)
    if answer.may_start:
        return answer.lanes
    held = answer.held_by
    why = f"all streams of {held.kind.value.replace('_', ' ')} {held.key} are in use" if held else "others go first"
    raise job.waiting(min(LONGEST_TURN_S, TURN_S * (1 + answer.ahead)), why)


def begin(row: Conversion, spec: ConversionSpec, *names: str) -> None:
    """Set the cursor on the one of these steps that applies to the machine; on none when none does."""
    for step in steps_of(spec):
        if step.name in names:
            progress.begin_step(row, step)


def clean_up(job: JobContext, conversion_id: str, *, discard_writes: bool = False) -> dict[str, Any]:
    """Remove what a cancelled conversion made in the pool, found by its tag. The source is left as it is.

    Waits until the job that was cancelled has let go: it may be making an object just now.
    """
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if row.state != State.CANCELLED:
        return told(row)
    if lifecycle.others_at_work(row, but=job.id):
        job.wait(LET_GO_S, "the cancelled job is still letting go")
    with pool_of(spec, job.alive) as pool:
        removed = target.remove_everything(pool, row, even_if_it_ran=discard_writes)
    return {**told(row), "removed": [uuid for uuid, _ in removed]}


def roll_back(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Stop the VM in the pool and block it, then bring its source back to what it was.

    The VM and its VDIs are kept for a person to look at.
    """
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if row.state not in (State.READY, State.CUTTING_OVER, State.DONE, State.FAILED):
        return told(row)
    require_asked_last(job, row)
    if lifecycle.others_at_work(row, but=job.id):
        job.wait(LET_GO_S, "the job at work before is still letting go")
    with source_of(spec, job) as source, pool_of(spec, job.alive) as pool:
        target.stop_and_block(pool, row)
        outcome = source.bring_back(row)
    message = f"The VM in the pool is stopped and blocked; {outcome}"
    move(row.pk, Event.ROLL_BACK, actor=job.actor, message=message, error=None)
    return told(row)


def is_due(job: JobContext, row: Conversion, *states: State) -> bool:
    """Whether the leg has work; False when it is done already.

    Raises Conflict when the conversion ended meanwhile, or another job was asked for since: repeating an old job would
    pass by the gate.
    """
    if row.state in (State.FAILED, State.CANCELLED, State.ROLLED_BACK):
        raise Conflict(
            f"{row.name} is {row.state}; this job has nothing left to do.",
            code="wrong_state",
            next_step="Retry the conversion instead of its job.",
        )
    require_asked_last(job, row)
    return row.state in states


def require_asked_last(job: JobContext, row: Conversion) -> None:
    if row.job_id != job.id:
        raise Conflict(
            f"{row.name} has moved on to another job since this one was asked for.",
            code="job_superseded",
            next_step="Leave this job as it is; look at the conversion and at its newest job.",
        )


def told(row: Conversion) -> dict[str, Any]:
    row.refresh_from_db()
    return {"state": row.state, "vm": row.target_vm_uuid}
