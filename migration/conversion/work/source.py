"""The source VM's power: shut it down, confirm that it is off, and notice when it ran again.

The guest is asked first; after the deadline the power is cut. Waiting gives the job's slot back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from estate.errors import AskPerson
from estate.vsphere import power
from estate.vsphere.session import VsphereSession
from migration.conversion import selectors
from migration.conversion.core.freshness import SourceMarker, stale_reason
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import Conversion
from migration.conversion.services import progress
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext

POLL_S = 2.0


def look(session: VsphereSession, spec: ConversionSpec) -> SourceMarker:
    """The source's power state, boot time and change version as they are now."""
    seen = power.state(session, spec.source_vm_id)
    boot_time = seen.boot_time.isoformat() if seen.boot_time else None
    return SourceMarker(seen.power_state.value, boot_time, seen.change_version)


def stop(session: VsphereSession, spec: ConversionSpec, job: JobContext) -> None:
    """Bring the source down: guest shutdown first, power off behind the deadline. Gives the slot back until it is off."""
    if look(session, spec).is_off:
        return
    asked_at = job.checkpoint.get("shutdown_asked_at")
    if asked_at is None:
        asked = power.shut_down(session, spec.source_vm_id)
        job.save_checkpoint({**job.checkpoint, "shutdown_asked_at": now().isoformat(), "guest_was_asked": asked})
        job.wait(
            POLL_S, f"{spec.name} is shutting down" if asked else f"{spec.name} has no running VMware Tools; power off follows"
        )
    deadline = datetime.fromisoformat(asked_at) + timedelta(seconds=settings.SHUTDOWN_DEADLINE_S)
    if now() < deadline:
        job.wait(POLL_S, f"{spec.name} is shutting down; power off at {deadline:%H:%M:%S} UTC")
    power.power_off(session, spec.source_vm_id, alive=job.alive)


def confirm_off(session: VsphereSession, row: Conversion, spec: ConversionSpec) -> SourceMarker:
    """Store what the source looks like when it is off. Raises AskPerson when it is not."""
    seen = look(session, spec)
    if not seen.is_off:
        raise AskPerson(
            f"{spec.name} is {seen.power_state} although it was shut down",
            code="source_not_off",
            next_step="Find out what powered it on, shut it down, and retry the conversion.",
            where=spec.name,
        )
    progress.remember_source(row, seen)
    return seen


def require_unchanged(session: VsphereSession, row: Conversion, spec: ConversionSpec) -> None:
    """Raises AskPerson `source_ran_again` when the source is not provably as it was when it was confirmed off."""
    reason = stale_reason(selectors.source_marker_of(row), look(session, spec))
    if reason is not None:
        raise AskPerson(
            f"The copy of {spec.name} is stale: {reason}. It is not cut over.",
            code="source_ran_again",
            next_step="Make sure that nobody powers the source on, then retry the conversion: it is copied again from the start.",
            where=spec.name,
        )
