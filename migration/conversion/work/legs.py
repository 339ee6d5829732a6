"""The legs of a conversion as its jobs run them: each opens its sessions and walks its steps of the itinerary.

A leg that was finished is not run again; a leg that was cut off begins at the state the conversion is in.
"""

from __future__ import annotations

from typing import Any

from estate.errors import EdgeError
from estate.vsphere import power
from estate.vsphere.session import VsphereSession
from migration.conversion import selectors
from migration.conversion.core.itinerary import Leg, steps_of
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.states import Event, State
from migration.conversion.models import Conversion
from migration.conversion.services import lifecycle, progress
from migration.conversion.services.transitions import move, note
from migration.conversion.work import copying, source, target
from migration.conversion.work.sessions import pool_of, source_of
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext
from project.backbone.problems import Conflict

LET_GO_S = 1.0


def prepare(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Make the halted, blocked VM with its VDIs and interfaces."""
    row = selectors.conversion(conversion_id)
    if not _is_due(job, row, State.PREPARING):
        return _told(row)
    spec = selectors.spec_of(row)
    with pool_of(spec, job) as pool:
        for step in steps_of(Leg.PREPARE, spec):
            job.alive()
            progress.begin_step(row, step)
            target.PREPARE_STEPS[step.name](pool, row, spec)
    move(row.pk, Event.PREPARED, actor=job.actor, message="The VM is made in the pool, halted, its start blocked")
    return _told(row)


def copy(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Stop the source, confirm that it is off, copy its disks, read them back, confirm that it stayed off."""
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if not _is_due(job, row, State.READY, State.COPYING, State.VERIFYING):
        return _told(row)
    steps = {step.name: step for step in steps_of(Leg.COPY, spec)}
    with source_of(spec) as vcenter, pool_of(spec, job) as pool:
        if row.state == State.READY:
            progress.begin_step(row, steps["stop_source"])
            source.stop(vcenter, row, spec, job)
            progress.begin_step(row, steps["confirm_off"])
            source.confirm_off(vcenter, row, spec)
            move(row.pk, Event.SOURCE_STOPPED, actor=job.actor, message="The source is confirmed off")
        row.refresh_from_db()
        source.require_unchanged(vcenter, row, spec)
        if row.state == State.COPYING:
            progress.begin_step(row, steps["copy_disks"])
            copying.copy_disks(vcenter, pool, row, spec, job)
            move(row.pk, Event.DISKS_COPIED, actor=job.actor, message="All disks are copied")
        progress.begin_step(row, steps["verify_disks"])
        copying.verify_disks(vcenter, pool, row, spec, job)
        progress.begin_step(row, steps["confirm_unchanged"])
        source.require_unchanged(vcenter, row, spec)
    move(row.pk, Event.DISKS_VERIFIED, actor=job.actor, message="Every block read back equals its source")
    return _told(row)


def go_live(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Check once more that the source stayed off, unblock the VM, start it, see that it runs, note the move on the source."""
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if not _is_due(job, row, State.CUTTING_OVER):
        return _told(row)
    steps = {step.name: step for step in steps_of(Leg.GO_LIVE, spec)}
    with source_of(spec) as vcenter, pool_of(spec, job) as pool:
        progress.begin_step(row, steps["confirm_fresh"])
        if not target.is_running(pool, row):
            source.require_unchanged(vcenter, row, spec)
        progress.begin_step(row, steps["start"])
        target.start(pool, row)
        progress.begin_step(row, steps["check_running"])
        progress.remember_boot(row, target.require_running(pool, row, spec))
        progress.begin_step(row, steps["mark_source"])
        _mark_source(vcenter, row, spec)
    move(row.pk, Event.STARTED, actor=job.actor, message="The VM runs in the pool")
    return _told(row)


def clean_up(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Remove what a cancelled conversion made in the pool, found by its tag. The source is left as it is.

    Waits until the job that was cancelled has let go: it may be making an object just now.
    """
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if row.state != State.CANCELLED:
        return _told(row)
    if lifecycle.others_at_work(row, but=job.id):
        job.wait(LET_GO_S, "the cancelled job is still letting go")
    with pool_of(spec, job) as pool:
        removed = target.remove_everything(pool, row)
    progress.close_ledger(row.pk)
    return {**_told(row), "removed": removed}


def roll_back(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Stop the VM in the pool and block it, then power the source on if it ran before; one that was off stays off.

    The VM and its VDIs are kept for a person to look at.
    """
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if row.state not in (State.DONE, State.FAILED):
        return _told(row)
    _require_asked_last(job, row)
    with source_of(spec) as vcenter, pool_of(spec, job) as pool:
        target.stop_and_block(pool, row)
        if row.source_was_running:
            power.power_on(vcenter, spec.source_vm_id, alive=job.alive)
    outcome = "the source runs again" if row.source_was_running else "the source stays off, as it was before"
    move(row.pk, Event.ROLL_BACK, actor=job.actor, message=f"The VM in the pool is stopped and blocked; {outcome}")
    return _told(row)


def _is_due(job: JobContext, row: Conversion, *states: State) -> bool:
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
    _require_asked_last(job, row)
    return row.state in states


def _require_asked_last(job: JobContext, row: Conversion) -> None:
    if row.job_id != job.id:
        raise Conflict(
            f"{row.name} has moved on to another job since this one was asked for.",
            code="job_superseded",
            next_step="Leave this job as it is; look at the conversion and at its newest job.",
        )


def _mark_source(vcenter: VsphereSession, row: Conversion, spec: ConversionSpec) -> None:
    """Leave a note on the source. The VM runs in the pool by now, so a refusal is told and fails nothing."""
    line = f"Moved to the Xen pool by Xenbound on {now():%Y-%m-%d %H:%M} UTC as VM {row.target_vm_uuid}. Do not power on."
    try:
        power.annotate(vcenter, spec.source_vm_id, line)
    except EdgeError as refused:
        note(row, f"The source could not be marked as moved: {refused.message}")


def _told(row: Conversion) -> dict[str, Any]:
    row.refresh_from_db()
    return {"state": row.state, "vm": row.target_vm_uuid}
