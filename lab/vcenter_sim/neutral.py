"""Filling what pyvmomi's type tables demand and a world does not say.

The serialiser refuses data objects with unset required fields; every such field gets the emptiest legal value, once and
generically. What an estate does say is set by the `*_shape` modules.
"""

from __future__ import annotations

import datetime
import functools
from typing import Any

from pyVmomi.VmomiSupport import F_OPTIONAL, DataObject, Enum, ManagedObject

EPOCH = datetime.datetime(2024, 3, 12, 9, 41, tzinfo=datetime.UTC)


def make(kind: type, /, **values: Any) -> Any:
    """A data object of `kind` with `values` set and every other required field filled with a neutral value."""
    made = kind()
    for name, value in values.items():
        # Straight assignment: the type check of pyvmomi costs more than building the object, and tests read it all back.
        object.__setattr__(made, name, value)
    for name, filler in _required(kind):
        if name not in values:
            object.__setattr__(made, name, filler())
    return made


@functools.cache
def _required(kind: type) -> tuple[tuple[str, Any], ...]:
    found = []
    for info in kind._GetPropertyList():
        if info.flags & F_OPTIONAL:
            continue
        filler = _filler(info.type)
        if filler is not None:
            found.append((info.name, filler))
    return tuple(found)


def _filler(kind: type) -> Any:
    if issubclass(kind, list):
        return functools.partial(_list_of_one, kind)
    if issubclass(kind, DataObject):
        return functools.partial(make, kind)
    if issubclass(kind, ManagedObject):
        return functools.partial(kind, "none")
    if issubclass(kind, Enum):
        return functools.partial(getattr, kind, kind.values[0])
    if issubclass(kind, datetime.datetime):
        return lambda: EPOCH
    if kind is object:
        return str
    return None  # numbers, strings and booleans are born with a value


def _list_of_one(kind: Any) -> Any:
    # A required list may not be empty on the wire.
    item = _filler(kind.Item)
    return kind([item() if item else kind.Item()])
