"""The legs of a conversion as its jobs run them: each opens its sessions and walks its steps of the itinerary.

A leg that was finished is not run again; a leg that was cut off begins at the state the conversion is in.
"""

from __future__ import annotations

from typing import Any

from estate.vsphere import power
from estate.vsphere.session import VsphereSession
from estate.xapi.session import XapiSession
from migration.conversion import selectors
from migration.conversion.core.itinerary import Leg, steps_of
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.states import Event, State
from migration.conversion.models import Conversion
from migration.conversion.services import progress
from migration.conversion.services.transitions import move
from migration.conversion.work import copying, source, target
from project.backbone.clock import now
from project.backbone.endpoints.selectors import connection_of, endpoint
from project.backbone.jobs.context import JobContext


def prepare(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Make the halted, blocked VM with its VDIs and interfaces."""
    row = selectors.conversion(conversion_id)
    if row.state != State.PREPARING:
        return _told(row)
    spec = selectors.spec_of(row)
    with _pool(spec, job) as pool:
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
    if row.state not in (State.READY, State.COPYING, State.VERIFYING):
        return _told(row)
    steps = {step.name: step for step in steps_of(Leg.COPY, spec)}
    with _source(spec) as vcenter, _pool(spec, job) as pool:
        if row.state == State.READY:
            progress.begin_step(row, steps["stop_source"])
            source.stop(vcenter, spec, job)
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
    if row.state != State.CUTTING_OVER:
        return _told(row)
    steps = {step.name: step for step in steps_of(Leg.GO_LIVE, spec)}
    with _source(spec) as vcenter, _pool(spec, job) as pool:
        progress.begin_step(row, steps["confirm_fresh"])
        if not target.is_running(pool, row):
            source.require_unchanged(vcenter, row, spec)
        progress.begin_step(row, steps["start"])
        target.start(pool, row)
        progress.begin_step(row, steps["check_running"])
        progress.remember_boot(row, target.require_running(pool, row, spec))
        progress.begin_step(row, steps["mark_source"])
        note = f"Moved to the Xen pool by Xenbound on {now():%Y-%m-%d %H:%M} UTC as VM {row.target_vm_uuid}. Do not power on."
        power.annotate(vcenter, spec.source_vm_id, note)
    move(row.pk, Event.STARTED, actor=job.actor, message="The VM runs in the pool")
    return _told(row)


def clean_up(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Remove what a cancelled conversion made in the pool, found by its tag. The source is left as it is."""
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if row.state != State.CANCELLED:
        return _told(row)
    with _pool(spec, job) as pool:
        removed = target.remove_everything(pool, row)
    progress.close_ledger(row.pk, removed)
    return {**_told(row), "removed": removed}


def roll_back(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Stop the VM in the pool and block it, then power the source on. The VM and its VDIs are kept for a person to look at."""
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if row.state not in (State.DONE, State.FAILED):
        return _told(row)
    with _source(spec) as vcenter, _pool(spec, job) as pool:
        target.stop_and_block(pool, row)
        power.power_on(vcenter, spec.source_vm_id, alive=job.alive)
    move(row.pk, Event.ROLL_BACK, actor=job.actor, message="The VM in the pool is stopped and blocked, the source runs again")
    return _told(row)


def _source(spec: ConversionSpec) -> VsphereSession:
    return VsphereSession(connection_of(endpoint(spec.source_endpoint_id)))


def _pool(spec: ConversionSpec, job: JobContext) -> XapiSession:
    return XapiSession(connection_of(endpoint(spec.pool_endpoint_id)), alive=job.alive)


def _told(row: Conversion) -> dict[str, Any]:
    row.refresh_from_db()
    return {"state": row.state, "vm": row.target_vm_uuid}
