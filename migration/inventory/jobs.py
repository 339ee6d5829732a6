"""Job kinds of the inventory. They load the source and call one function of the work room; both may run again at any time."""

from __future__ import annotations

from typing import Any

from migration.inventory import work
from migration.inventory.selectors import source
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler


@handler("inventory.probe", title="Probe a source")
def probe(job: JobContext, source_id: str) -> dict[str, Any]:
    """Read certificates, version and missing rights of a source."""
    return work.probe(job, source(source_id))


@handler("inventory.collect", title="Collect an inventory")
def collect(job: JobContext, source_id: str) -> dict[str, Any]:
    """Make a new inventory of a source; a later attempt starts a fresh one and drops what this one left."""
    return work.collect(job, source(source_id))
