"""The body of an upload as it was sent: bytes, whatever its Content-Type says, never more than can be a reading."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from kms.core.policy import UPLOAD_LIMIT_BYTES
from project.backbone.api.parsers import WholeBodyParser


class UploadParser(WholeBodyParser):
    """A reading's bytes."""

    limit_bytes = UPLOAD_LIMIT_BYTES


UPLOADS: Any = {
    "application/json": OpenApiTypes.OBJECT,
    "text/plain": OpenApiTypes.STR,
    "text/csv": OpenApiTypes.STR,
    "application/octet-stream": OpenApiTypes.BINARY,
}


def body_of(request: Request) -> bytes:
    """The bytes `UploadParser` took."""
    return request.data if isinstance(request.data, bytes) else b""
