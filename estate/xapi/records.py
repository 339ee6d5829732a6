"""Whole classes of a pool's records, read tolerantly: a missing class or field is UNKNOWN, never a default.

Knows XAPI's wire types (integers and times as text, null references); not what a class means.
"""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from estate.facts.unknown import Unknown
from estate.xapi.errors import XapiError
from estate.xapi.session import XapiSession

T = TypeVar("T")
_CLASS_LACKS = ("MESSAGE_METHOD_UNKNOWN", "RBAC_PERMISSION_DENIED", "MESSAGE_PARAMETER_COUNT_MISMATCH", "NOT_IMPLEMENTED")


class FieldMissing(LookupError):
    """A record lacks a field without which it says nothing."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. The plain readers raise `FieldMissing`; the `maybe_` ones give UNKNOWN with the reason."""

    ref: str
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        return str(self._needed(name))

    def number(self, name: str) -> int:
        return int(self._needed(name))

    def flag(self, name: str) -> bool:
        return bool(self._needed(name))

    def refs(self, name: str) -> tuple[str, ...]:
        """References of a list field; null ones are left out."""
        return tuple(str(ref) for ref in self.fields.get(name) or () if ref != "OpaqueRef:NULL")

    def map(self, name: str) -> dict[str, str]:
        """A map field; empty when the pool does not have it."""
        return {str(key): str(value) for key, value in (self.fields.get(name) or {}).items()}

    def maybe_text(self, name: str) -> str | Unknown:
        return self._maybe(name, str)

    def maybe_number(self, name: str) -> int | Unknown:
        return self._maybe(name, int)

    def maybe_flag(self, name: str) -> bool | Unknown:
        return self._maybe(name, bool)

    def maybe_map(self, name: str) -> dict[str, str] | Unknown:
        return self._maybe(name, lambda value: {str(key): str(each) for key, each in value.items()})

    def time(self, name: str) -> datetime:
        """A time field; XAPI's times are UTC."""
        return parse_time(self._needed(name))

    def _needed(self, name: str) -> Any:
        if name not in self.fields:
            raise FieldMissing(name)
        return self.fields[name]

    def _maybe(self, name: str, convert: Callable[[Any], T]) -> T | Unknown:
        if name not in self.fields:
            return Unknown(f"the pool's version has no field {name}")
        try:
            return convert(self.fields[name])
        except (TypeError, ValueError, AttributeError):
            return Unknown(f"the field {name} has an unreadable value")


class Table:
    """All records of one class by reference."""

    def __init__(self, records: Mapping[str, Any]) -> None:
        self._records = {str(ref): Record(str(ref), fields) for ref, fields in records.items() if isinstance(fields, dict)}

    def __iter__(self) -> Iterator[Record]:
        """In the order of uuids, so that facts of an unchanged pool are the same."""
        return iter(sorted(self._records.values(), key=lambda record: str(record.fields.get("uuid", ""))))

    def get(self, ref: object) -> Record | None:
        """The record of a reference; None for a null or dangling one."""
        return self._records.get(str(ref))

    def uuid(self, ref: object) -> str | None:
        """The uuid behind a reference."""
        record = self.get(ref)
        return str(record.fields.get("uuid", "")) if record else None

    def uuids(self, refs: tuple[str, ...]) -> tuple[str, ...]:
        """The uuids behind references, dangling ones left out."""
        return tuple(uuid for ref in refs if (uuid := self.uuid(ref)))


class Snapshot:
    """The classes read in one go, and what of them could not be read."""

    def __init__(self, session: XapiSession) -> None:
        self._session = session
        self._tables: dict[str, Table] = {}
        self.unreadable: list[tuple[str, str]] = []

    def table(self, name: str) -> Table:
        """The records of a class, read once. A class that this pool lacks or this account may not see is empty and noted.

        Raises:
            EdgeError: the pool does not answer.
        """
        if name not in self._tables:
            self._session.alive()
            records = self.attempt(name, lambda: self._session.call(f"{name}.get_all_records"))
            self._tables[name] = Table(records or {})
        return self._tables[name]

    def attempt(self, what: str, read: Callable[[], T]) -> T | None:
        """Read something a pool may not offer; None and a note when it does not."""
        try:
            return read()
        except XapiError as error:
            if error.xapi_code not in _CLASS_LACKS:
                raise
            self.unreadable.append((what, f"{error.message} ({error.code})"))
            return None

    def collect(self, name: str, build: Callable[[Record], T | None]) -> tuple[T, ...]:
        """Build facts from each record of a class; a record that lacks a needed field is noted and left out."""
        built = []
        for record in self.table(name):
            try:
                fact = build(record)
            except (FieldMissing, ValueError) as error:
                self.unreadable.append((f"{name} {record.fields.get('uuid', record.ref)}", f"unusable field: {error}"))
                continue
            if fact is not None:
                built.append(fact)
        return tuple(built)

    def is_known(self, name: str) -> bool:
        """Whether the class could be read at all."""
        self.table(name)
        return all(what != name for what, _ in self.unreadable)


def parse_time(value: object) -> datetime:
    """A XAPI time (`20240131T12:00:00Z`, with or without dashes) as aware UTC. Raises: ValueError."""
    text = str(value.value if isinstance(value, xmlrpc.client.DateTime) else value)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
