"""A machine on a vCenter or ESXi host: shut down, confirmed off, exported under a lease, noticed when it ran again.

The guest is asked first; after the deadline the power is cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from estate.disks.ports import ExtentSource
from estate.disks.vmdk.source import StreamVmdkSource
from estate.errors import AskPerson
from estate.facts.source import DiskFacts
from estate.facts.unknown import Unknown
from estate.vsphere import power, reconfigure
from estate.vsphere.attached import lies_in_files, may_be_shared, open_from_files
from estate.vsphere.export import ExportDisk, ExportLease, open_export
from estate.vsphere.session import VsphereSession
from migration.conversion import selectors
from migration.conversion.core.freshness import POWERED_OFF, SourceMarker, stale_reason
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import Conversion
from migration.conversion.services import progress
from project.backbone.jobs.context import JobContext


@dataclass(frozen=True, slots=True)
class _HeldDisks:
    """The disks of a machine under an export: what that leaves out is read from its files. Implements `ports.Disks`."""

    session: VsphereSession
    lease: ExportLease
    machine_name: str

    @property
    def offered(self) -> Sequence[ExportDisk | DiskFacts]:
        return (*self.lease.disks, *self.lease.left_out)

    def open(self, address: str) -> ExtentSource:
        exported = next((disk for disk in self.lease.disks if disk.address == address), None)
        if exported is not None:
            return StreamVmdkSource(self.lease.open_stream(exported))
        left_out = next(disk for disk in self.lease.left_out if disk.address == address)
        if not lies_in_files(left_out):
            raise AskPerson(
                f"The export of {self.machine_name} does not contain {left_out.label} ({address}), and it does not lie in files",
                code="disk_not_exported",
                next_step="A raw device mapping or encrypted disk cannot be read: move its content to a virtual disk and retry.",
                where=self.machine_name,
            )
        if may_be_shared(left_out):
            raise AskPerson(
                f"{left_out.label} of {self.machine_name} is or may be shared: another machine could write to it meanwhile",
                code="disk_shared",
                next_step="Shut every machine down that shares it and take the sharing off, then retry.",
                where=self.machine_name,
            )
        return open_from_files(self.session, left_out)


@dataclass(frozen=True, slots=True)
class ServerSource:
    """One machine behind a session with its server. Implements `ports.MachineSource`."""

    session: VsphereSession
    spec: ConversionSpec
    job: JobContext

    def bring_down(self, row: Conversion) -> None:
        if self._look().is_on:
            progress.remember_running(row)
        self.job.say(f"Shutting {self.spec.name} down")
        power.shut_down(
            self.session,
            self.spec.source_vm_id,
            deadline_s=settings.SHUTDOWN_DEADLINE_S,
            then_power_off=True,
            asking=partial(progress.note_stop_asked, row),
            alive=self.job.alive,
        )
        self._confirm_off(row)

    def runs(self) -> bool | Unknown:
        seen = power.state(self.session, self.spec.source_vm_id).power_state
        return seen if isinstance(seen, Unknown) else seen.value != POWERED_OFF

    def is_unchanged(self, row: Conversion) -> bool:
        return stale_reason(selectors.source_marker_of(row), self._look()) is None

    def require_unchanged(self, row: Conversion) -> None:
        reason = stale_reason(selectors.source_marker_of(row), self._look())
        if reason is not None:
            raise AskPerson(
                f"The copy of {self.spec.name} is stale: {reason}. It is not cut over.",
                code="source_ran_again",
                next_step="See to it that nobody powers the source on, then retry the conversion: it is copied from the start.",
                where=self.spec.name,
            )

    @contextmanager
    def disks(self) -> Iterator[_HeldDisks]:
        with open_export(self.session, self.spec.source_vm_id, alive=self.job.alive) as lease:
            yield _HeldDisks(self.session, lease, self.spec.name)

    def mark_moved(self, row: Conversion, line: str) -> None:
        self._look()
        reconfigure.annotate(self.session, self.spec.source_vm_id, line)

    def bring_back(self, row: Conversion) -> str:
        """One that did not run when Xenbound came to it is left alone."""
        if not row.source_was_running:
            return "the source stays off, as it was before" if row.source_marker else "the source is left as it was found"
        settled = self._look().is_off or self._wait_out_stop(row)
        power.power_on(self.session, self.spec.source_vm_id, alive=self.job.alive)
        return "the source runs again" if settled else "the source runs; its guest was asked to shut down and may still do so"

    def _wait_out_stop(self, row: Conversion) -> bool:
        """A guest that was asked to shut down and was not seen off since may go off at any moment: to run now proves nothing.

        False when it was asked and is still on.
        """
        if row.stop_asked_at is None:
            return True
        left_s = selectors.stop_may_come_s(row, within_s=settings.SHUTDOWN_DEADLINE_S)
        self.job.say(f"Waiting until {self.spec.name} has shut down, to power it on again")
        return power.goes_off(self.session, self.spec.source_vm_id, deadline_s=max(0.0, left_s), alive=self.job.alive)

    def _look(self) -> SourceMarker:
        """The source's power state, boot time and change version as they are now. Raises AskPerson `another_machine`."""
        seen = power.state(self.session, self.spec.source_vm_id)
        self._require_planned(seen.instance_uuid)
        unreadable = [
            value.reason for value in (seen.power_state, seen.boot_time, seen.change_version) if isinstance(value, Unknown)
        ]
        return SourceMarker(
            power_state="unknown" if isinstance(seen.power_state, Unknown) else seen.power_state.value,
            boot_time=seen.boot_time.isoformat() if seen.boot_time and not isinstance(seen.boot_time, Unknown) else None,
            change_version="" if isinstance(seen.change_version, Unknown) else seen.change_version,
            unreadable="; ".join(unreadable),
        )

    def _require_planned(self, instance_uuid: str | Unknown) -> None:
        """Another vCenter behind the same address gives the moref to another VM: that one is neither stopped nor copied."""
        planned = self.spec.source_instance_uuid
        if planned and instance_uuid != planned:
            shown = f"cannot be read ({instance_uuid.reason})" if isinstance(instance_uuid, Unknown) else f"is {instance_uuid}"
            raise AskPerson(
                f"{self.spec.source_vm_id} may not be {self.spec.name}: its instance UUID {shown}, planned was {planned}.",
                code="another_machine",
                next_step="Collect the inventory again, then plan with the machines that the source shows now.",
                where=self.spec.name,
            )

    def _confirm_off(self, row: Conversion) -> None:
        seen = self._look()
        if not seen.is_off or seen.unreadable:
            raise AskPerson(
                f"{self.spec.name} is {seen.power_state} {seen.unreadable} although it was shut down",
                code="source_not_off",
                next_step="Find out what powered it on, shut it down, and retry the conversion.",
                where=self.spec.name,
            )
        progress.remember_source(row, seen)
