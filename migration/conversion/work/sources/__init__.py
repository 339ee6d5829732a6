"""Where machines come from: a server or a package, behind one port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from migration.conversion.core.spec import ConversionSpec
from migration.conversion.work.sessions import server_of
from migration.conversion.work.sources.package import PackageSource
from migration.conversion.work.sources.ports import Disks, MachineSource
from migration.conversion.work.sources.server import ServerSource
from project.backbone.jobs.context import JobContext

__all__ = ["Disks", "MachineSource", "source_of"]


@contextmanager
def source_of(spec: ConversionSpec, job: JobContext) -> Iterator[MachineSource]:
    """The machine's side; a server's session is logged out at the end. Raises EdgeError, AskPerson `login_not_tried`."""
    if spec.package_path:
        yield PackageSource(spec)
        return
    with server_of(spec) as session:
        yield ServerSource(session, spec, job)
