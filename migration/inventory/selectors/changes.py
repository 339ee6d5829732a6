"""What changed between two inventories of one source, for people and programs to page through.

The list of objects is made from digests. Bodies of changed machines are compared as text to tell whether disks, NICs or the rest
changed, a few hundred at a time; values are opened for one page alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db.models import Q

from migration.inventory.core.diff import (
    DEVICES,
    THINGS,
    Change,
    InventoryDiff,
    Key,
    PathChange,
    Pointer,
    changed_paths,
    diff,
    happened,
    label_at,
    thing_at,
    touched,
)
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import FactBlob, Inventory, InventoryEntry
from migration.inventory.selectors.inventories import bodies, require_complete
from project.backbone.problems import Conflict

BATCH = 250


class _Devices(msgspec.Struct):
    """The members of a machine that are told apart from it; the others are skipped unread."""

    disks: msgspec.Raw = msgspec.Raw()
    nics: msgspec.Raw = msgspec.Raw()


_DEVICES = msgspec.json.Decoder(_Devices)


@dataclass(frozen=True, slots=True)
class Moved:
    """One object that came, went or changed; `things` says what the change is about (core.diff.THINGS)."""

    kind: FactKind
    native_id: str
    name: str
    change: Change
    things: frozenset[str]
    before: str = ""
    after: str = ""

    @property
    def key(self) -> Key:
        return self.kind, self.native_id


@dataclass(frozen=True, slots=True)
class Value:
    """One value that differs, or a device that came or went as a whole. `label` is the device's."""

    thing: str
    change: Change
    label: str
    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Opened:
    """An object with the values that differ, lasting and volatile ones apart; `facts` are those of one that came or went."""

    moved: Moved
    values: tuple[Value, ...] = ()
    volatile: tuple[PathChange, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """From `old` to `new`: what moved, in the order of kinds and names. `names` are those of both, by native id."""

    old: Inventory
    new: Inventory
    moved: tuple[Moved, ...]
    names: Mapping[str, str]

    def counts(self) -> dict[str, dict[str, int]]:
        """By thing and change, how many objects: a machine two disks of which changed counts once under `disk`."""
        found = Counter((thing, each.change) for each in self.moved for thing in each.things)
        return {thing: {change.value: found[thing, change] for change in Change} for thing in THINGS if _any(found, thing)}

    def narrowed(self, *, thing: str = "", change: Change | None = None) -> list[Moved]:
        """Those about a thing, and of one kind of change; empty and None take all."""
        rows = (each for each in self.moved if not thing or thing in each.things)
        return [each for each in rows if change in (None, each.change)]

    def opened(self, page: Sequence[Moved]) -> list[Opened]:
        """These with their values. A constant number of queries."""
        found = bodies(digest for each in page for digest in (each.before, each.after) if digest)
        old, new = _volatile(self.old, page), _volatile(self.new, page)
        drift = {each.key: tuple(changed_paths(old.get(each.key, {}), new.get(each.key, {}))) for each in page}
        return [
            Opened(each, tuple(_values(each, found)), drift[each.key])
            if each.before and each.after
            else Opened(each, facts=found[each.before or each.after])
            for each in page
        ]


def difference(old: Inventory, new: Inventory, *, volatile: bool = False) -> Difference:
    """What changed from `old` to `new`; with `volatile` also what only moves by itself.

    Raises: Conflict `inventory_not_complete`, `other_source` (409).
    """
    require_complete(old)
    require_complete(new)
    if old.source_id != new.source_id:
        raise Conflict(
            "The two inventories are of different sources.", code="other_source", next_step="Compare within one source."
        )
    before, after = _pointers(old), _pointers(new)
    found = diff(before, after) if _one_vcenter(old, new) else InventoryDiff(tuple(sorted(after)), tuple(sorted(before)), ())
    moved = [Moved(*key, after[key].name, Change.ADDED, _itself(key), after=after[key].digest) for key in found.added]
    moved += [Moved(*key, before[key].name, Change.GONE, _itself(key), before=before[key].digest) for key in found.gone]
    moved += _changed(found.changed, before, after)
    if volatile and _one_vcenter(old, new):
        moved += _drifted(old, new, before, after)
    names = {native_id: pointer.name for side in (before, after) for (_, native_id), pointer in side.items()}
    return Difference(old, new, tuple(sorted(moved, key=_order)), names)


def _one_vcenter(old: Inventory, new: Inventory) -> bool:
    """Whether an id means the same in both: not when they are known to tell of different vCenters."""
    told = [each.about["instance_uuid"] for each in (old, new) if each.about and each.about["is_vcenter"]]
    return len(set(told)) < 2


def _any(found: Mapping[tuple[str, Change], int], thing: str) -> bool:
    return any(found[thing, change] for change in Change)


def _order(each: Moved) -> tuple[int, str, str]:
    return THINGS.index(each.kind.value), each.name.casefold(), each.native_id


def _pointers(inventory: Inventory) -> dict[Key, Pointer]:
    rows = inventory.entries.order_by().values_list("kind", "native_id", "name", "blob_id")
    return {(FactKind(kind), native_id): Pointer(name, digest) for kind, native_id, name, digest in rows}


def _itself(key: Key) -> frozenset[str]:
    return frozenset({key[0].value})


def _changed(keys: Sequence[Key], before: Mapping[Key, Pointer], after: Mapping[Key, Pointer]) -> Iterator[Moved]:
    for start in range(0, len(keys), BATCH):
        some = keys[start : start + BATCH]
        texts = _texts({side[key].digest for key in some if key[0] is FactKind.VM for side in (before, after)})
        for key in some:
            old, new = before[key].digest, after[key].digest
            things = touched(texts[old], texts[new]) if key[0] is FactKind.VM else _itself(key)
            yield Moved(*key, after[key].name, Change.CHANGED, things, old, new)


def _texts(digests: Collection[str]) -> dict[str, dict[str, str]]:
    """Bodies of machines in their one spelling: disks, NICs, and the rest of the machine."""
    rows = FactBlob.objects.filter(digest__in=digests)
    return {digest: _apart(text) for digest, text in rows.values_list("digest", "body")}


def _apart(text: str) -> dict[str, str]:
    found, rest, devices = _DEVICES.decode(text), text, {}
    for member, thing in DEVICES.items():
        spelled = bytes(getattr(found, member)).decode()
        devices[thing] = spelled
        rest = rest.replace(f'"{member}":{spelled}', "", 1)
    return {**devices, FactKind.VM.value: rest}


def _drifted(old: Inventory, new: Inventory, before: Mapping[Key, Pointer], after: Mapping[Key, Pointer]) -> Iterator[Moved]:
    """Objects that last as they are while their volatile values differ."""
    was = _all_volatile(old)
    for key, text in _all_volatile(new).items():
        pointer = before.get(key)
        if pointer is not None and pointer.digest == after[key].digest and was[key] != text:
            yield Moved(*key, after[key].name, Change.VOLATILE, _itself(key), pointer.digest, pointer.digest)


def _all_volatile(inventory: Inventory) -> dict[Key, str]:
    rows = inventory.entries.order_by().values_list("kind", "native_id", "volatile")
    return {(FactKind(kind), native_id): text for kind, native_id, text in rows}


def _volatile(inventory: Inventory, page: Sequence[Moved]) -> dict[Key, dict[str, Any]]:
    wanted = Q(native_id__in={each.native_id for each in page}, kind__in={each.kind.value for each in page})
    rows = InventoryEntry.objects.filter(wanted, inventory=inventory).order_by().values_list("kind", "native_id", "volatile")
    return {(FactKind(kind), native_id): msgspec.json.decode(volatile) for kind, native_id, volatile in rows}


def _values(each: Moved, found: Mapping[str, Mapping[str, Any]]) -> Iterator[Value]:
    old, new = found[each.before], found[each.after]
    for change in changed_paths(old, new):
        label = label_at(change.path, new, old)
        yield Value(thing_at(each.kind, change.path), happened(change), label, change.path, change.old, change.new)
