"""Answers as JSON, written by msgspec: lists of machines with all that stands against them are hundreds of kilobytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.utils.encoding import force_str
from django.utils.functional import Promise
from rest_framework.renderers import JSONRenderer


def _other(value: Any) -> Any:
    """What msgspec does not know, as the framework's own encoder has it; texts that are translated late among them.

    It knows exact types only: a message of the framework is a text with a code, and would otherwise be listed letter by letter.
    """
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) else float(value)
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, Promise) else force_str(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_other)


class FastJSONRenderer(JSONRenderer):
    """The framework's form of an answer. Whoever asks for indented text gets the framework's own."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None) -> Any:
        """Bytes. What msgspec cannot write (a number of more than 64 bits) is written the slow way."""
        if data is None:
            return b""
        if self.get_indent(accepted_media_type or "", dict(renderer_context or {})):
            return super().render(data, accepted_media_type, renderer_context)
        try:
            written = _ENCODER.encode(data)
        except (OverflowError, TypeError, ValueError):
            return super().render(data, accepted_media_type, renderer_context)
        return written.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
