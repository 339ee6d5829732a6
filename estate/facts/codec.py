"""Facts to plain JSON values and back. UNKNOWN travels as `{"unknown": reason}` (with `"everywhere": true` when the source
lacks the fact for all its objects), times as ISO 8601.

Stored facts are read back by a later release: unknown keys are ignored, missing ones take the field's default.
"""

from __future__ import annotations

import types
import typing
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import cattrs

from estate.facts.unknown import Unknown

T = TypeVar("T")


def unknown_to_json(value: Unknown) -> dict[str, Any]:
    """The JSON form of an unread fact."""
    return {"unknown": value.reason, "everywhere": True} if value.everywhere else {"unknown": value.reason}


def _unknown_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType) and Unknown in typing.get_args(kind)


def _structure_known_or_unknown(value: Any, kind: Any) -> Any:
    if isinstance(value, dict) and "unknown" in value:
        return Unknown(value["unknown"], value.get("everywhere", False))
    rest = typing.Union[tuple(arg for arg in typing.get_args(kind) if arg is not Unknown)]  # type: ignore[valid-type]  # noqa: UP007 - built at run time
    return _CONVERTER.structure(value, rest)  # type: ignore[arg-type]  # a union is a type form, not a class


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_unstructure_hook(Unknown, unknown_to_json)
    converter.register_structure_hook_func(_unknown_union, _structure_known_or_unknown)
    converter.register_unstructure_hook_func(_unknown_union, lambda v: converter.unstructure(v))
    converter.register_unstructure_hook(StrEnum, lambda e: e.value)
    converter.register_unstructure_hook(datetime, lambda t: t.isoformat())
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter


_CONVERTER = _converter()


def to_json(facts: object) -> Any:
    """Plain JSON values of a facts object."""
    return _CONVERTER.unstructure(facts)


def from_json(value: Any, kind: type[T]) -> T:
    """The facts object again. Raises a `cattrs` error when the stored value is not of this kind."""
    return _CONVERTER.structure(value, kind)
