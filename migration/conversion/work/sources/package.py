"""A machine in an OVF package of the import folder: nothing to stop; its files must stay what they were until all is proven.

Whether the machine it was exported from still runs cannot be seen from here: the gate asks for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from estate.errors import AskPerson
from estate.facts.source import DiskFacts, VmFacts
from estate.facts.unknown import Unknown, is_known
from estate.ova import place
from estate.ova.disks import PackageDisk, open_disk
from estate.ova.package import Package, open_package
from estate.ova.read import machine, package_identity
from migration.conversion import selectors
from migration.conversion.core.freshness import POWERED_OFF, SourceMarker, stale_reason
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import Conversion
from migration.conversion.services import progress


@dataclass(frozen=True, slots=True)
class _PackedDisks:
    """The disks of one machine of a package. Implements `ports.Disks`."""

    package: Package
    offered: Sequence[DiskFacts]

    def open(self, address: str) -> PackageDisk:
        found = next(disk for disk in self.offered if disk.address == address)
        assert not isinstance(found.file_name, Unknown), "only disks with a file are offered"
        return open_disk(self.package, found.file_name)


@dataclass(frozen=True, slots=True)
class PackageSource:
    """One machine of a package, opened anew for each question: what lies there now counts. Implements `ports.MachineSource`."""

    spec: ConversionSpec

    def bring_down(self, row: Conversion) -> None:
        """Store what the package looks like. Raises AskPerson `package_changed` when it is not the one that was planned with."""
        package = self._open()
        self._machine(package)
        progress.remember_source(row, _marker(package))

    def is_unchanged(self, row: Conversion) -> bool:
        return stale_reason(selectors.source_marker_of(row), _marker(self._open())) is None

    def require_unchanged(self, row: Conversion) -> None:
        if not self.is_unchanged(row):
            raise AskPerson(
                f"The copy of {self.spec.name} is stale: files of {self.spec.package_path} were changed or replaced since. "
                "It is not cut over.",
                code="package_changed",
                next_step="Let nobody write to the package, then retry the conversion: it is copied again from the start.",
                where=self.spec.name,
            )

    @contextmanager
    def disks(self) -> Iterator[_PackedDisks]:
        package = self._open()
        found = self._machine(package).disks
        known = () if isinstance(found, Unknown) else found
        yield _PackedDisks(package, [disk for disk in known if is_known(disk.file_name)])

    def mark_moved(self, row: Conversion, line: str) -> None:
        """A package is never written to: its digests would no longer hold."""

    def bring_back(self, row: Conversion) -> str:
        return "its package was never changed, and there is nothing to power on"

    def _open(self) -> Package:
        return open_package(place.resolve(settings.IMPORT_DIR, self.spec.package_path))

    def _machine(self, package: Package) -> VmFacts:
        found = machine(package, self.spec.source_vm_id)
        if found is None:
            raise AskPerson(
                f"{self.spec.package_path} no longer describes {self.spec.name} as it was planned: its descriptor is another one",
                code="package_changed",
                next_step="Put the package back that was collected; or collect this one, and make a new plan with it.",
                where=self.spec.name,
            )
        return found


def _marker(package: Package) -> SourceMarker:
    """Names, sizes and times of change of its own files stand for the change version of a machine that never runs."""
    return SourceMarker(POWERED_OFF, None, hashlib.sha256(package_identity(package).encode("utf-8", "replace")).hexdigest())
