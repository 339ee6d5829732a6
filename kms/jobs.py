"""The job kinds of kms. Each takes ids, calls one function of the work room, and may run twice."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from kms.services.uploads import READ_UPLOAD
from kms.work import read_upload
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler


@handler(READ_UPLOAD, queue="default", title="Read a KMS host's upload")
def read_uploaded(job: JobContext, upload_id: str) -> dict[str, Any]:
    """Parse one upload into a reading."""
    return read_upload.run(job, UUID(upload_id))
