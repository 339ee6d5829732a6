"""The inventory's work at the edge: a vSphere session, a package or a workbook in, pages of facts into services.

No decision and no model is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from estate.connection import Connection
from estate.facts.codec import to_json
from estate.facts.source import SourceAbout, SourceFact, VmFacts
from estate.facts.unknown import Unknown
from estate.ova import place
from estate.ova.read import read as read_package
from estate.rvtools.read import read as read_workbook
from estate.vsphere import inventory as vsphere
from estate.vsphere.probe import probe as look
from estate.vsphere.session import VsphereSession
from migration.inventory.models import Inventory, Source, SourceKind
from migration.inventory.services import collecting, sources, workbooks
from migration.inventory.services.recognising import SeenVm
from migration.inventory.work.overlap import OnPage, Read, read_aside
from project.backbone.endpoints.selectors import connection_of
from project.backbone.jobs.context import JobContext


def vsphere_feed(connection: Connection, *, on_page: OnPage, alive: Callable[[], None]) -> SourceAbout:
    """Log in once, read everything, log out. Raises: EdgeError, see estate.vsphere.errors."""
    with VsphereSession(connection) as session:
        return vsphere.collect(session, on_page=on_page, alive=alive)


def probe(job: JobContext, source: Source) -> dict[str, Any]:
    """Look at the source and write down what it shows. Before its own certificate is confirmed, that is all it shows.

    Raises: EdgeError, see estate.vsphere.errors; Conflict `source_is_a_file` (409).
    """
    seen = look(connection_of(sources.endpoint_of(source)))
    certificates = [to_json(certificate) for certificate in seen.certificates]
    sources.record_probe(
        source,
        about=seen.about,
        certificates=certificates,
        privileges_missing=to_json(seen.privileges_missing),
        hosts_unread=[{"host": host, "reason": reason} for host, reason in seen.hosts_unread],
        actor=job.actor,
    )
    return {"certificates": certificates, "logged_in": seen.about is not None}


def reader_of(source: Source) -> Read:
    """Whoever reads this source's whole estate page by page. Raises: CannotOpen, PathNotAllowed."""
    if SourceKind(source.kind) is SourceKind.OVA:
        package = place.resolve(settings.IMPORT_DIR, source.path)
        return lambda on_page, alive: read_package(package, on_page=on_page, alive=alive)
    if SourceKind(source.kind) is SourceKind.RVTOOLS:
        workbook = workbooks.place_of(source)
        return lambda on_page, alive: read_workbook(workbook, on_page=on_page, alive=alive)
    connection = connection_of(sources.endpoint_of(source))
    return lambda on_page, alive: vsphere_feed(connection, on_page=on_page, alive=alive)


def collect(job: JobContext, source: Source) -> dict[str, Any]:
    """Make a new inventory of the source. Whatever ends it early, nothing half read stays behind.

    Raises: EdgeError from the source; JobCancelled and LeaseLost from the job; InventoryReplaced.
    """
    read = reader_of(source)
    inventory = collecting.begin(source, job_id=job.id, actor=job.actor)
    intake = _Intake(job, inventory)
    try:
        about = read_aside(read, on_page=intake.take, alive=job.alive)
        complete = collecting.complete(inventory, about=about, vms=intake.vms, actor=job.actor)
    finally:
        collecting.abandon(inventory, actor=job.actor)  # leaves a complete inventory alone
    job.progress(intake.done, intake.done, unit="objects", message=f"{complete.counts['vms']} machines read")
    return {"inventory_id": str(complete.id), "counts": complete.counts}


@dataclass(slots=True)
class _Intake:
    """Stores page after page and keeps what the machines' identity needs."""

    job: JobContext
    inventory: Inventory
    vms: dict[str, SeenVm] = field(default_factory=dict)
    done: int = 0

    def take(self, kind: str, facts: Sequence[SourceFact]) -> None:
        self.job.alive()
        self.done += collecting.add_page(self.inventory, facts)
        for fact in facts:
            if isinstance(fact, VmFacts):
                self.vms[fact.native_id] = seen_vm(fact)
        self.job.progress(self.done, None, unit="objects", message=f"Reading {kind}s")


def seen_vm(vm: VmFacts) -> SeenVm:
    """What a machine's identity keeps of a VM."""
    return SeenVm(
        native_id=vm.native_id,
        name=vm.name,
        instance_uuid="" if isinstance(vm.instance_uuid, Unknown) else vm.instance_uuid,
        disk_count=0 if isinstance(vm.disks, Unknown) else len(vm.disks),
    )
