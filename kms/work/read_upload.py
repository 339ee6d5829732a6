"""Read one stored upload and write down the reading. Runs again without harm: a reading that exists is found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from estate.kmshost.collected import PARSER_VERSION, read_collected
from kms.models import KmsUpload
from kms.services.readings import store_reading
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext
from project.backbone.problems import NotVisible


def run(job: JobContext, upload_id: UUID) -> dict[str, Any]:
    """The reading's id and figures. Raises: UploadRefused with the place in the file, Conflict, NotVisible."""
    upload = KmsUpload.objects.select_related("host__project").filter(pk=upload_id).first()
    if upload is None:
        raise NotVisible("upload of a KMS host")
    reading = read_collected(upload.text, received_at=now())
    row = store_reading(upload, reading, parser_version=PARSER_VERSION, actor=job.actor)
    job.say(f"{reading.host_name}: count {row.current_count}, {row.contacts} requests in the log.")
    return {
        "reading_id": str(row.pk),
        "host_id": str(upload.host_id),
        "collected_at": reading.collected_at.isoformat(),
        "count": row.current_count,
        "contacts": row.contacts,
        "contacts_unreadable": reading.contacts_unreadable,
        "quality": row.quality,
    }
