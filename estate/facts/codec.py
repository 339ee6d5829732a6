"""Facts to plain JSON values and back. UNKNOWN travels as `{"unknown": reason}` (with `"everywhere": true` when the source
lacks the fact for all its objects), times as ISO 8601.

Stored facts are read back by a later release: unknown keys are ignored, missing ones take the field's default.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable
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


def _known_kind(kind: Any) -> Any:
    """What the union `kind` holds beside Unknown and None."""
    rest = tuple(arg for arg in typing.get_args(kind) if arg not in (Unknown, types.NoneType))
    return typing.Union[rest]  # noqa: UP007 - built at run time


@functools.lru_cache(maxsize=1024)
def _unknown(reason: str, everywhere: bool) -> Unknown:
    """Few reasons are shared by very many facts; one object each is enough."""
    return Unknown(reason, everywhere)


def _structure_hook(kind: Any) -> Callable[[Any, Any], Any]:
    """How a union with Unknown is read; its known kind is looked up here, once, not for each of a million values."""
    known, may_be_none = _known_kind(kind), types.NoneType in typing.get_args(kind)
    inner = _CONVERTER.get_structure_hook(known)

    def structure(value: Any, _: Any) -> Any:
        if value.__class__ is known:
            return value  # a plain string or number: nearly all of them
        if value.__class__ is dict and "unknown" in value:
            return _unknown(value["unknown"], value.get("everywhere", False))
        return None if value is None and may_be_none else inner(value, known)

    return structure


def _unstructure_hook(kind: Any) -> Callable[[Any], Any]:
    inner = _CONVERTER.get_unstructure_hook(_known_kind(kind))

    def unstructure(value: Any) -> Any:
        kind = value.__class__
        if kind is str or kind is int or kind is bool:
            return value
        if kind is Unknown:
            return unknown_to_json(value)
        return None if value is None else inner(value)

    return unstructure


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    converter.register_unstructure_hook(Unknown, unknown_to_json)
    converter.register_structure_hook_factory(_unknown_union, _structure_hook)
    converter.register_unstructure_hook_factory(_unknown_union, _unstructure_hook)
    converter.register_unstructure_hook(StrEnum, lambda e: e.value)
    converter.register_unstructure_hook(datetime, lambda t: t.isoformat())
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter


_CONVERTER = _converter()


def to_json(facts: object) -> Any:
    """Plain JSON values of a facts object."""
    return _CONVERTER.unstructure(facts)


def from_json(value: Any, kind: type[T]) -> T:
    """The facts object again. Raises a `cattrs` error, KeyError, TypeError or ValueError when the value is not of this kind."""
    return _CONVERTER.structure(value, kind)
