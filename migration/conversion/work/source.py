"""The source VM's power: shut it down, confirm that it is off, and notice when it ran again.

The guest is asked first; after the deadline the power is cut.
"""

from __future__ import annotations

from django.conf import settings

from estate.errors import AskPerson
from estate.facts.unknown import Unknown
from estate.vsphere import power
from estate.vsphere.session import VsphereSession
from migration.conversion import selectors
from migration.conversion.core.freshness import SourceMarker, stale_reason
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import Conversion
from migration.conversion.services import progress
from project.backbone.jobs.context import JobContext


def look(session: VsphereSession, spec: ConversionSpec) -> SourceMarker:
    """The source's power state, boot time and change version as they are now."""
    seen = power.state(session, spec.source_vm_id)
    unreadable = [value.reason for value in (seen.power_state, seen.boot_time, seen.change_version) if isinstance(value, Unknown)]
    return SourceMarker(
        power_state="unknown" if isinstance(seen.power_state, Unknown) else seen.power_state.value,
        boot_time=seen.boot_time.isoformat() if seen.boot_time and not isinstance(seen.boot_time, Unknown) else None,
        change_version="" if isinstance(seen.change_version, Unknown) else seen.change_version,
        unreadable="; ".join(unreadable),
    )


def stop(session: VsphereSession, row: Conversion, spec: ConversionSpec, job: JobContext) -> None:
    """Bring the source down: guest shutdown first, power off behind the deadline. Returns when it is off."""
    if not look(session, spec).is_off:
        progress.remember_running(row)
    job.say(f"Shutting {spec.name} down")
    power.shut_down(session, spec.source_vm_id, deadline_s=settings.SHUTDOWN_DEADLINE_S, then_power_off=True, alive=job.alive)


def confirm_off(session: VsphereSession, row: Conversion, spec: ConversionSpec) -> SourceMarker:
    """Store what the source looks like when it is off. Raises AskPerson when it is not."""
    seen = look(session, spec)
    if not seen.is_off or seen.unreadable:
        raise AskPerson(
            f"{spec.name} is {seen.power_state} {seen.unreadable} although it was shut down",
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
