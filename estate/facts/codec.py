"""Facts to plain JSON values and back. UNKNOWN travels as `{"unknown": reason}` (with `"everywhere": true` when the source
lacks the fact for all its objects), times as RFC 3339.

Stored facts are read back by a later release: unknown keys are ignored, missing ones take the field's default.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_CANONICAL = msgspec.json.Encoder(order="sorted")


def to_json(facts: object) -> Any:
    """Plain JSON values of a facts object."""
    return msgspec.to_builtins(facts, str_keys=True)


def canonical_json(facts: object) -> str:
    """The one spelling of a facts object, or of plain values: sorted keys, no blanks. Kept facts hold no floating numbers."""
    return _CANONICAL.encode(facts).decode()


def from_text(text: str, kind: type[T]) -> T:
    """The facts object of its JSON text. Raises: msgspec.ValidationError (a ValueError) when the text is not of this kind."""
    return msgspec.json.decode(text, type=kind)


def from_json(value: Any, kind: type[T]) -> T:
    """The facts object again. Raises: msgspec.ValidationError (a ValueError) when the value is not of this kind."""
    return msgspec.convert(value, kind, str_keys=True)
