"""Read one stored file about guests by the reader of its format and write its readings down. Runs again without harm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from estate.facts.kms import KmsUploadFormat
from estate.kmshost.intake import PARSER_VERSIONS, Told, read_guest_upload
from kms.models import KmsGuestUpload
from kms.services.guests import store_guest_readings
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext
from project.backbone.problems import NotVisible


def run(job: JobContext, upload_id: UUID) -> dict[str, Any]:
    """How many computers the file tells of. Raises: UploadRefused with the place in the file, NotVisible."""
    upload = KmsGuestUpload.objects.select_related("project").filter(pk=upload_id).first()
    if upload is None:
        raise NotVisible("upload of guests")
    kind = KmsUploadFormat(upload.format)
    told = Told(now(), upload.collected_at, timedelta(minutes=upload.utc_offset_min or 0), upload.computer_name)
    readings = read_guest_upload(kind, upload.text, told)
    stored = store_guest_readings(upload, readings, parser_version=PARSER_VERSIONS[kind], actor=job.actor)
    job.say(f"{stored} guest{'' if stored == 1 else 's'} read.")
    return {"upload_id": str(upload.pk), "format": upload.format, "guests": stored}
