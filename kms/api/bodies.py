"""The body of an upload as it was sent: bytes, whatever its Content-Type says, never more than can be a reading."""

from __future__ import annotations

from typing import IO, Any

from rest_framework.parsers import BaseParser

from kms.core.policy import UPLOAD_LIMIT_BYTES


class UploadParser(BaseParser):
    """Hands the view the bytes, one byte over the limit at most: the service then refuses with the reason."""

    media_type = "*/*"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        return bytes(stream.read(UPLOAD_LIMIT_BYTES + 1))
