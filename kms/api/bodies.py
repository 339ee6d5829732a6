"""The body of an upload as it was sent: bytes, whatever its Content-Type says, never more than can be a reading."""

from __future__ import annotations

from kms.core.policy import UPLOAD_LIMIT_BYTES
from project.backbone.api.parsers import WholeBodyParser


class UploadParser(WholeBodyParser):
    """A reading's bytes."""

    limit_bytes = UPLOAD_LIMIT_BYTES
