"""The job kinds of kms. Each takes ids, calls one function of the work room, and may run twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from kms.selectors.collecting import collection_of_job
from kms.services.collecting import COLLECT, PROBE, note_failure
from kms.services.guests import READ_GUESTS
from kms.services.network import LOOK_AROUND
from kms.services.uploads import READ_UPLOAD
from kms.work import look_around, read_guests, read_upload, schedule, winrm
from project.backbone.accounts.policy import Actor
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler
from project.backbone.models import Job


@handler(READ_UPLOAD, queue="default", title="Read a KMS host's upload")
def read_uploaded(job: JobContext, upload_id: str) -> dict[str, Any]:
    """Parse one upload into a reading."""
    return read_upload.run(job, UUID(upload_id))


@handler(READ_GUESTS, queue="default", title="Read how guests are activated")
def read_uploaded_guests(job: JobContext, upload_id: str) -> dict[str, Any]:
    """Parse one file about guests into readings."""
    return read_guests.run(job, UUID(upload_id))


@handler(LOOK_AROUND, queue="default", title="Look for KMS hosts")
def look_for_hosts(job: JobContext) -> dict[str, Any]:
    """Ask DNS and try the hosts' ports; run again it looks again."""
    return look_around.run(job)


@handler("kms.ask_due", title="Ask for what is due of KMS", every=timedelta(hours=1))
def ask_due(job: JobContext) -> dict[str, Any]:
    """Ask for looks and collections whose time by schedule has come; one that still runs is not asked for again."""
    return schedule.ask_due(job)


@handler(PROBE, queue="default", title="Probe a KMS host")
def probe_host(job: JobContext, host_id: str) -> dict[str, Any]:
    """Show the certificate of a host's WinRM; run again it looks again."""
    return winrm.probe(job, UUID(host_id))


def _collect_failed(job: Job, error: dict[str, Any], actor: Actor) -> None:
    collection = collection_of_job(job)
    if collection is not None:
        note_failure(collection, error)


@handler(COLLECT, queue="default", title="Collect a KMS host", on_failed=_collect_failed)
def collect_host(job: JobContext, host_id: str) -> dict[str, Any]:
    """Run the collection script on a host and read what it prints; run again it goes on with the upload it made."""
    return winrm.collect_host(job, UUID(host_id))
