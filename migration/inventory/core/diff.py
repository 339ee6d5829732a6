"""What changed between two inventories of one source: added, gone, and changed paths with old and new value.

Works on digests first, so that equal facts are never opened; volatile values are no change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from migration.inventory.core.kinds import FactKind

Key = tuple[FactKind, str]


@dataclass(frozen=True, slots=True)
class Pointer:
    """An inventory's entry as the diff needs it: name and content address."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class PathChange:
    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class InventoryDiff:
    """Keys that came, went, and whose content differs, each sorted by kind and native id."""

    added: tuple[Key, ...]
    gone: tuple[Key, ...]
    changed: tuple[Key, ...]


def diff(old: Mapping[Key, Pointer], new: Mapping[Key, Pointer]) -> InventoryDiff:
    """Compare two inventories by content address."""
    return InventoryDiff(
        added=tuple(sorted(new.keys() - old.keys())),
        gone=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(key for key in old.keys() & new.keys() if old[key].digest != new[key].digest)),
    )


def changed_paths(old: Any, new: Any, path: str = "") -> Iterator[PathChange]:
    """The deepest differing paths of two bodies, e.g. `nics[0].mac_address`; lists of unequal length differ as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            inner = f"{path}.{key}" if path else key
            if key in old and key in new:
                yield from changed_paths(old[key], new[key], inner)
            else:
                yield PathChange(inner, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from changed_paths(before, after, f"{path}[{number}]")
    elif old != new:
        yield PathChange(path, old, new)
