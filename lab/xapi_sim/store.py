"""The pool's database: records by class and reference, with generations for events and back-references kept.

Knows types and relations, no behaviour. Every reader and writer holds `lock`; dispatch takes it around each call.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.xapi_sim import tables
from lab.xapi_sim.failure import NULL, XapiFailure, handle_invalid
from lab.xapi_sim.values import default_of

# (class, ref field) -> (class, set field): both sides of one-to-many relations follow each other.
RELATIONS = {
    ("PBD", "SR"): ("SR", "PBDs"),
    ("PBD", "host"): ("host", "PBDs"),
    ("VDI", "SR"): ("SR", "VDIs"),
    ("VBD", "VDI"): ("VDI", "VBDs"),
    ("VBD", "VM"): ("VM", "VBDs"),
    ("VIF", "VM"): ("VM", "VIFs"),
    ("VIF", "network"): ("network", "VIFs"),
    ("VTPM", "VM"): ("VM", "VTPMs"),
    ("PIF", "host"): ("host", "PIFs"),
    ("PIF", "network"): ("network", "PIFs"),
    ("PIF", "bond_slave_of"): ("Bond", "slaves"),
    ("Bond", "master"): ("PIF", "bond_master_of"),
    ("VLAN", "tagged_PIF"): ("PIF", "VLAN_slave_of"),
    ("host_cpu", "host"): ("host", "host_CPUs"),
    ("VM", "resident_on"): ("host", "resident_VMs"),
    ("VM", "appliance"): ("VM_appliance", "VMs"),
    ("console", "VM"): ("VM", "consoles"),
    ("Certificate", "host"): ("host", "certificates"),
    ("Feature", "host"): ("host", "features"),
}
KEPT_DELETIONS = 20_000


@dataclass(slots=True)
class Row:
    """A record with the generations at which it was made and last changed."""

    class_name: str
    record: dict[str, Any]
    created: int
    changed: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """What is left of a deleted record: enough for a `del` event."""

    class_name: str
    ref: str
    created: int
    deleted: int


def new_ref() -> str:
    """A fresh reference."""
    return f"OpaqueRef:{uuid.uuid4()}"


class Store:
    """All records of the pool. `changed` is notified after every change (see events.py)."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.generation = 1
        self.deletions: list[Deletion] = []
        self._rows: dict[str, dict[str, Row]] = {name: {} for name in tables.classes()}

    def create(self, class_name: str, ref: str = "", **values: Any) -> str:
        """Add a record; fields left out get their defaults, `uuid` a fresh one. Returns the reference."""
        fields = tables.classes()[class_name].fields
        unknown = values.keys() - fields.keys()
        if unknown:
            raise KeyError(f"{class_name} has no field {sorted(unknown)}")
        record = {name: default_of(field) for name, field in fields.items()} | values
        if "uuid" in fields and not record["uuid"]:
            record["uuid"] = str(uuid.uuid4())
        with self.lock:
            ref = ref or new_ref()
            now = self._tick()
            self._rows[class_name][ref] = Row(class_name, record, now, now)
            for name in record:
                self._link(class_name, ref, name, NULL, record[name])
        return ref

    def destroy(self, class_name: str, ref: str) -> None:
        """Remove a record and its back-references.

        Raises:
            XapiFailure: HANDLE_INVALID.
        """
        with self.lock:
            row = self.row(class_name, ref)
            for name, value in row.record.items():
                self._link(class_name, ref, name, value, NULL)
            del self._rows[class_name][ref]
            self.deletions.append(Deletion(class_name, ref, row.created, self._tick()))
            del self.deletions[:-KEPT_DELETIONS]

    def row(self, class_name: str, ref: str) -> Row:
        """The row of a reference.

        Raises:
            XapiFailure: HANDLE_INVALID [class, ref].
        """
        row = self._rows[class_name].get(ref)
        if row is None:
            raise handle_invalid(class_name, ref)
        return row

    def has(self, class_name: str, ref: str) -> bool:
        """Whether the reference points at a live record."""
        return ref in self._rows[class_name]

    def get(self, class_name: str, ref: str, field: str) -> Any:
        """One field; the value must not be changed in place."""
        return self.row(class_name, ref).record[field]

    def set(self, class_name: str, ref: str, **values: Any) -> None:
        """Set fields; a value equal to the old one is no change and causes no event."""
        with self.lock:
            row = self.row(class_name, ref)
            for name, value in values.items():
                old = row.record[name]
                if old == value:
                    continue
                row.record[name] = value
                self._link(class_name, ref, name, old, value)
                row.changed = self._tick()

    def put_key(self, class_name: str, ref: str, field: str, key: str, value: Any) -> None:
        """Set one key of a map field."""
        self.set(class_name, ref, **{field: self.get(class_name, ref, field) | {key: value}})

    def drop_key(self, class_name: str, ref: str, field: str, key: str) -> None:
        """Remove one key of a map field; a missing key is fine."""
        kept = {k: v for k, v in self.get(class_name, ref, field).items() if k != key}
        self.set(class_name, ref, **{field: kept})

    def refs(self, class_name: str) -> list[str]:
        """All references of a class, oldest first."""
        return list(self._rows[class_name])

    def rows(self, class_name: str) -> Iterator[tuple[str, Row]]:
        """References with their rows; hold the lock while iterating."""
        return iter(list(self._rows[class_name].items()))

    def where(self, class_name: str, **values: Any) -> list[str]:
        """References whose fields equal `values`."""
        return [
            ref for ref, row in self._rows[class_name].items() if all(row.record[name] == value for name, value in values.items())
        ]

    def snapshot(self, class_name: str, ref: str) -> dict[str, Any]:
        """A copy of a record that later changes do not touch."""
        return copy_record(self.row(class_name, ref).record)

    def by_uuid(self, class_name: str, wanted: str) -> str:
        """The reference for a uuid.

        Raises:
            XapiFailure: UUID_INVALID [class, uuid].
        """
        found = self.where(class_name, uuid=wanted)
        if not found:
            raise XapiFailure("UUID_INVALID", class_name, wanted)
        return found[0]

    def _tick(self) -> int:
        self.generation += 1
        self.changed.notify_all()
        return self.generation

    def _link(self, class_name: str, ref: str, field: str, old: Any, new: Any) -> None:
        relation = RELATIONS.get((class_name, field))
        if relation is None or old == new:
            return
        other, back = relation
        for target, present in ((old, False), (new, True)):
            if target != NULL and target in self._rows[other]:
                refs = [each for each in self.get(other, target, back) if each != ref]
                self.set(other, target, **{back: [*refs, ref] if present else refs})


def copy_record(record: dict[str, Any]) -> dict[str, Any]:
    """A copy one level deep: containers are flat in this API."""
    return {name: value.copy() if isinstance(value, list | dict) else value for name, value in record.items()}
