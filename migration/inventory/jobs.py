"""Job kinds of the inventory. They load the source and call one function of the work room; both may run again at any time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from migration.inventory import work
from migration.inventory.selectors import source
from migration.inventory.services import watching
from migration.inventory.work import watching as watching_work
from project.backbone.accounts.policy import Actor
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler
from project.backbone.models import Job


@handler("inventory.probe", title="Probe a source")
def probe(job: JobContext, source_id: str) -> dict[str, Any]:
    """Read certificates, version and missing rights of a source."""
    return work.probe(job, source(source_id))


@handler("inventory.collect", title="Collect an inventory")
def collect(job: JobContext, source_id: str) -> dict[str, Any]:
    """Make a new inventory of a source; a later attempt starts a fresh one and drops what this one left."""
    return work.collect(job, source(source_id))


def _watch_failed(job: Job, error: dict[str, Any], actor: Actor) -> None:
    watching.stop_on_failure(source(job.params["source_id"]), error, actor)


@handler("inventory.watch", title="Watch a source", on_failed=_watch_failed)
def watch(job: JobContext, source_id: str) -> dict[str, Any]:
    """Look once at what moved, and wait for the next look; any worker may take the next one."""
    return watching_work.look(job, source(source_id))


@handler("inventory.purge", title="Drop old inventories", every=timedelta(days=1))
def purge(job: JobContext) -> dict[str, Any]:
    """Drop what the policy lets go; asked again, it goes on with what is left."""
    return work.purge(job)


@handler("inventory.end_watch", title="End a watch")
def end_watch(job: JobContext, source_id: str) -> dict[str, Any]:
    """Leave nothing of a watch behind at its server."""
    return watching_work.end(job, source(source_id))
