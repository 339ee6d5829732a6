"""Bodies of requests: JSON read strictly, and bytes taken as they are.

What no database can store is refused here, with a sentence, before any view sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser

LARGEST = 2**63 - 1
DEEPEST = 64


class StrictJsonParser(JSONParser):
    """DRF's parser, refusing also NUL characters, broken surrogates, numbers over 64 bits and nesting over 64 levels."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            body = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(f"The JSON is nested deeper than {DEEPEST} levels.") from None
        for problem in _problems(body):
            raise ParseError(problem)
        return body


class WholeBodyParser(BaseParser):
    """The body as it was sent, whatever its Content-Type: one byte over the limit at most, so that the service can refuse it."""

    media_type = "*/*"
    limit_bytes = 0

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return bytes(stream.read(self.limit_bytes + 1))


def _problems(body: Any) -> Iterator[str]:
    """Walks without recursion, so that no body can exhaust the stack."""
    pending: list[tuple[Any, int]] = [(body, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > DEEPEST:
            yield f"The JSON is nested deeper than {DEEPEST} levels."
        elif isinstance(value, dict):
            pending.extend((part, depth + 1) for part in (*value.keys(), *value.values()))
        elif isinstance(value, list):
            pending.extend((part, depth + 1) for part in value)
        elif problem := _wrong(value):
            yield problem


def _wrong(value: Any) -> str:
    if isinstance(value, str):
        if "\x00" in value:
            return "A text in the JSON holds a NUL character, which cannot be stored."
        if any("\ud800" <= character <= "\udfff" for character in value):
            return "A text in the JSON holds half of a surrogate pair, which is no character."
    if isinstance(value, int | float) and not abs(value) <= LARGEST:
        return "A number in the JSON is larger than 64 bits."
    return ""
