"""The inventory's work at the edge: a vSphere session, a package or a workbook in, pages of facts into services.

No decision and no model is made here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings

from estate.connection import Connection
from estate.facts.codec import to_json
from estate.facts.source import SourceAbout
from estate.ova import place
from estate.ova.read import read as read_package
from estate.rvtools.read import read as read_workbook
from estate.vsphere import inventory as vsphere
from estate.vsphere.probe import probe as look
from estate.vsphere.session import VsphereSession
from migration.inventory.models import Source, SourceKind
from migration.inventory.services import retention, sources, workbooks
from migration.inventory.work.collecting import collect_with
from migration.inventory.work.overlap import OnPage, Read
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


def purge(job: JobContext) -> dict[str, Any]:
    """Drop what the policy lets go: inventories one by one, then facts nothing points to, then workbooks. Returns how many."""
    inventories = 0
    for held in list(retention.waiting_to_go()):
        job.alive()
        inventories += retention.drop(held.id, actor=job.actor)
    marked, facts = retention.mark_orphans(), 0
    while gone := retention.drop_some_orphans():
        job.alive()
        facts += gone
    folders = retention.unread_workbooks()
    for folder in folders:
        retention.drop_workbook(folder)
    return {"inventories": inventories, "facts": facts, "facts_marked": marked - facts, "workbooks": len(folders)}


def collect(job: JobContext, source: Source) -> dict[str, Any]:
    """Make a new inventory of the source. Raises: what collecting.collect_with raises; CannotOpen, PathNotAllowed."""
    return collect_with(job, source, reader_of(source))
