"""The last leg of a conversion: what was proven is started, seen to run, protected; or what runs already is taken for moved."""

from __future__ import annotations

from typing import Any

from estate.errors import AskPerson, EdgeError
from estate.facts.unknown import Unknown
from estate.xapi.session import XapiSession
from migration.conversion import selectors
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.core.states import Event, State
from migration.conversion.models import Conversion
from migration.conversion.services import progress
from migration.conversion.services.transitions import LostRace, move, note
from migration.conversion.work import earlier, target
from migration.conversion.work.legs import begin, is_due, require_asked_last, told
from migration.conversion.work.sessions import pool_of
from migration.conversion.work.sources import MachineSource, source_of
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.queue import LeaseLost


def go_live(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Check once more that the source is unchanged, unblock the VM, start it, see that it runs, note the move on the source."""
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if not is_due(job, row, State.CUTTING_OVER):
        return told(row)
    with source_of(spec, job) as source, pool_of(spec, job.alive) as pool:
        begin(row, spec, "confirm_fresh")
        if not target.is_running(pool, row):
            _require_as_proven(pool, source, row, spec)
        begin(row, spec, "start")
        _start(job, pool, row, spec)
        _conclude(pool, source, row, spec)
    move(row.pk, Event.STARTED, actor=job.actor, message="The VM runs in the pool")
    return told(row)


def finish(job: JobContext, conversion_id: str) -> dict[str, Any]:
    """Take a failed machine whose VM runs in the pool for moved, if its source does not run. Starts nothing."""
    row = selectors.conversion(conversion_id)
    spec = selectors.spec_of(row)
    if row.state != State.FAILED:
        return told(row)
    require_asked_last(job, row)
    with source_of(spec, job) as source, pool_of(spec, job.alive) as pool:
        _conclude(pool, source, row, spec)
    move(row.pk, Event.FINISH, actor=job.actor, message="The VM runs in the pool; a person took it for moved", error=None)
    return told(row)


def _require_as_proven(pool: XapiSession, source: MachineSource, row: Conversion, spec: ConversionSpec) -> None:
    """What is started is what was proven: nobody ran the VM or changed its devices since, and its source is as it was.

    Where the pool was asked to start it before, the VM may have run: what it wrote is its own.
    """
    if row.start_asked_at is None:
        earlier.require_untouched(pool, row, spec)
        target.count_devices(pool, row, spec)
    else:
        target.keep_blocked(pool, row)
    source.require_unchanged(row)


def _conclude(pool: XapiSession, source: MachineSource, row: Conversion, spec: ConversionSpec) -> None:
    """See that the VM runs and its source does not, tell HA of it, and leave a note on the source."""
    begin(row, spec, "check_running")
    proof = target.require_running(pool, row, spec)
    begin(row, spec, "protect")
    progress.remember_boot(row, {**proof, **target.protect(pool, row, spec), "source_off": _source_is_off(source, row)})
    begin(row, spec, "mark_source")
    _mark_moved(source, row)


def _source_is_off(source: MachineSource, row: Conversion) -> bool | None:
    """Looked at once more when the VM runs: between the last look and the start, somebody may have powered the source on.

    None when it could not be read, which is told and fails nothing: the VM runs by now. Raises: AskPerson `source_runs_too`.
    """
    try:
        runs = source.runs()
    except EdgeError as refused:
        runs = Unknown(refused.message)
    if isinstance(runs, Unknown):
        note(row, f"Whether the source is still off could not be read: {runs.reason}")
        return None
    if runs:
        raise AskPerson(
            f"{row.name} runs in the pool, and its source runs too",
            code="source_runs_too",
            next_step="Decide at once: roll it back to keep the source; or shut the source down by hand and finish it.",
            where=row.name,
        )
    return True


def _start(job: JobContext, pool: XapiSession, row: Conversion, spec: ConversionSpec) -> None:
    """From the note on, the VM may write what is nowhere else; the note goes only where the pool shows that it never ran.

    The lease is asked for directly in front of the start, and once more behind it.
    """
    if not progress.claim_start(row, job_id=job.id):
        raise LostRace(row.name)
    try:
        target.start(pool, row, just_before=lambda: job.say("Starting the VM in the pool"))
        job.say("The VM is started in the pool")
    except LeaseLost:
        _undo_behind_others(row, spec)
        raise
    except BaseException:
        if target.never_ran(pool, row):
            progress.forget_start(row)
        raise


def _undo_behind_others(row: Conversion, spec: ConversionSpec) -> None:
    """A worker that stood still and comes back may have started what was rolled back or taken up again meanwhile."""
    row.refresh_from_db()
    if row.state in (State.CUTTING_OVER, State.DONE):
        return
    with pool_of(spec, _go_on) as pool:
        target.stop_and_block(pool, row)
    note(row, "A worker that had lost its turn came to start the VM; it is off and blocked again")


def _go_on() -> None:
    """Stands for `alive` where what was begun has to be undone although the job is lost."""


def _mark_moved(source: MachineSource, row: Conversion) -> None:
    """Leave a note on the source. The VM runs in the pool by now, so a refusal is told and fails nothing."""
    line = f"Moved to the Xen pool by Xenbound on {now():%Y-%m-%d %H:%M} UTC as VM {row.target_vm_uuid}. Do not power on."
    try:
        source.mark_moved(row, line)
    except EdgeError as refused:
        note(row, f"The source could not be marked as moved: {refused.message}")
