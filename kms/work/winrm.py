"""Collect a KMS host over WinRM: show its certificate, run the one script, and hand what it prints in as an upload."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from estate.errors import AskPerson
from estate.kmshost.winrm import Auth, LoginRefused, WinRmWay, collect
from estate.tls import fetch_certificates
from kms.models import KmsCollection
from kms.selectors.collecting import collection_by_host
from kms.services.collecting import note_success
from kms.work.take_upload import take_reading
from project.backbone.clock import now
from project.backbone.endpoints.selectors import connection_of, refused_just_now, require_confirmed
from project.backbone.endpoints.services import note_login_refused, offer_certificates
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.selectors import job as job_of
from project.backbone.jobs.states import UNFINISHED, JobState
from project.backbone.models import Endpoint

LOOK_EVERY_S = 1.0


def probe(job: JobContext, host_id: UUID) -> dict[str, Any]:
    """Show the certificate of the host's WinRM, for a person to compare and confirm. Raises: EdgeError, Conflict, NotVisible."""
    _, endpoint = collection_by_host(host_id)
    seen = fetch_certificates(endpoint.url)
    offered = asdict(seen) | {"not_after": seen.not_after.isoformat()}
    offer_certificates(endpoint, [offered], actor=job.actor)
    return {"certificates": [offered]}


def collect_host(job: JobContext, host_id: UUID) -> dict[str, Any]:
    """What the reading's own job found. Raises: EdgeError, Conflict, NotVisible, and what is wrong with the reading."""
    collection, endpoint = collection_by_host(host_id)
    if "read_job" not in job.checkpoint:
        text = _printed(job, collection, endpoint)
        reading = take_reading(collection.host, text.encode(), collected_at=None, actor=job.actor)
        job.save_checkpoint({"read_job": str(reading.pk)})
    return _read(job, collection, UUID(job.checkpoint["read_job"]))


def _printed(job: JobContext, collection: KmsCollection, endpoint: Endpoint) -> str:
    require_confirmed(endpoint)
    if refused_just_now(endpoint, now()):
        raise AskPerson(
            f"{endpoint.name} refused the name {endpoint.username} less than a minute ago; it was not tried again",
            code="login_not_tried",
            next_step="Correct the stored name and password, or unlock the account, then collect again.",
            where=endpoint.name,
        )
    way = WinRmWay(connection_of(endpoint), Auth(collection.auth), collection.configuration, collection.timeout_s)
    try:
        return collect(way, alive=job.alive)
    except LoginRefused:
        note_login_refused(endpoint)
        raise


def _read(job: JobContext, collection: KmsCollection, read_job_id: UUID) -> dict[str, Any]:
    """The result of the job that reads the upload; this one gives its slot away while that one has not ended."""
    reading = job_of(read_job_id, actor=job.actor)
    if reading.state in UNFINISHED:
        job.wait(LOOK_EVERY_S, f"{collection.host.name} has answered; its reading is being read")
    if reading.state != JobState.SUCCEEDED:
        error = reading.error or {}
        message = str(error.get("message", "the reading was not read to its end"))
        step = str(error.get("next_step", "")) or "Collect again."
        raise AskPerson(message, code=str(error.get("code", "kms_upload_refused")), next_step=step, where=collection.host.name)
    note_success(collection)
    job.say(reading.message)
    return dict(reading.result or {})
