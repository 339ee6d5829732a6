"""Read one stored upload by the reader of its format and write the reading down. Run again it finds the reading of before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from estate.facts.kms import KmsUploadFormat
from estate.kmshost.intake import PARSER_VERSIONS, Told, read_host_upload
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
    kind = KmsUploadFormat(upload.format)
    told = Told(now(), upload.collected_at, timedelta(minutes=upload.utc_offset_min or 0))
    reading = read_host_upload(kind, upload.text, told)
    row = store_reading(upload, reading, parser_version=PARSER_VERSIONS[kind], actor=job.actor)
    count = "no count" if row.current_count is None else f"count {row.current_count}"
    job.say(f"{reading.host_name or upload.host.name}: {count}, {row.contacts} requests in the log.")
    return {
        "reading_id": str(row.pk),
        "upload_id": str(upload.pk),
        "host_id": str(upload.host_id),
        "format": upload.format,
        "collected_at": reading.collected_at.isoformat(),
        "count": row.current_count,
        "contacts": row.contacts,
        "contacts_unreadable": reading.contacts_unreadable,
        "quality": row.quality,
    }
