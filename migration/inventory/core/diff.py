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
    """The deepest differing paths of two bodies, e.g. `nics[4000].mac_address`.

    Devices are matched by `device_key`, wherever they stand in the list; one that came or went differs as a whole. Other
    lists are matched by position, and as a whole when they differ in length.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _changed_members(old, new, path)
    elif (before := _by_device_key(old)) is not None and (after := _by_device_key(new)) is not None:
        for key in sorted(before.keys() | after.keys()):
            yield from changed_paths(before.get(key), after.get(key), f"{path}[{key}]")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (former, latter) in enumerate(zip(old, new, strict=True)):
            yield from changed_paths(former, latter, f"{path}[{number}]")
    elif old != new:
        yield PathChange(path, old, new)


def _changed_members(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[PathChange]:
    for key in sorted(old.keys() | new.keys()):
        inner = f"{path}.{key}" if path else key
        if key in old and key in new:
            yield from changed_paths(old[key], new[key], inner)
        else:
            yield PathChange(inner, old.get(key), new.get(key))


def _by_device_key(devices: Any) -> dict[int, Any] | None:
    """A list of devices by their keys; None for anything else, and where a key comes twice."""
    if not isinstance(devices, list) or not all(isinstance(device, dict) and "device_key" in device for device in devices):
        return None
    found = {device["device_key"]: device for device in devices}
    return found if len(found) == len(devices) else None
