"""What changed between two inventories of one source: added, gone, and changed paths with old and new value.

Works on digests first, so that equal facts are never opened; volatile values are no change. A machine's disks and NICs are told
apart from the machine itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migration.inventory.core.kinds import FactKind

Key = tuple[FactKind, str]
DEVICES = {"disks": "disk", "nics": "nic"}
"""Members of a machine that are things of their own in a difference."""
THINGS = (FactKind.VM.value, *DEVICES.values(), *(kind.value for kind in FactKind if kind is not FactKind.VM))
"""What a difference is about, in the order in which people read it."""


class Change(StrEnum):
    """`volatile`: nothing changed but values that move by themselves."""

    ADDED = "added"
    GONE = "gone"
    CHANGED = "changed"
    VOLATILE = "volatile"


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


def touched(old: Mapping[str, str], new: Mapping[str, str]) -> frozenset[str]:
    """The THINGS that differ between two bodies of one machine, as text under their names; equal texts are equal things."""
    return frozenset(thing for thing in old.keys() | new.keys() if old.get(thing) != new.get(thing))


def thing_at(kind: FactKind, path: str) -> str:
    """Which of the THINGS a path inside an object of this kind is about."""
    member = path.partition(".")[0].partition("[")[0]
    return DEVICES.get(member, kind.value) if kind is FactKind.VM else kind.value


def happened(change: PathChange) -> Change:
    """Whether a device came or went as a whole; anything else changed."""
    member, _, key = change.path.partition("[")
    whole = member in DEVICES and key.endswith("]") and "." not in key
    if whole and change.old is None:
        return Change.ADDED
    return Change.GONE if whole and change.new is None else Change.CHANGED


def label_at(path: str, *bodies: Mapping[str, Any]) -> str:
    """The label of the disk or NIC that a path leads into, from the first body that holds it; empty for anything else."""
    member, _, rest = path.partition("[")
    if member not in DEVICES or not rest:
        return ""
    key = rest.partition("]")[0]
    held = (_by_device_key(body.get(member)) or {} for body in bodies)
    return next((str(devices[int(key)].get("label", "")) for devices in held if int(key) in devices), "")
