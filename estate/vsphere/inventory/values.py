"""Reading values out of one object of a property collector's answer: text, numbers, times, morefs, lists.

A path the server did not answer for is an `Unknown` that says why. What an unset value means for a VM, a host or a
store is decided where that kind is read.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from xml.etree.ElementTree import Element

from estate.facts.source import AllocationFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.xmlstream import VIM, XSI_TYPE, local, read_fault

D = TypeVar("D")

_OBJ, _PROP_SET, _MISSING_SET = f"{VIM}obj", f"{VIM}propSet", f"{VIM}missingSet"
_PATH, _FAULT = f"{VIM}path", f"{VIM}fault"

NOT_GIVEN = Unknown("the server gives no value")
NOT_KNOWN_THERE = "this server does not know the property"
_NAMESPACE_LENGTH = len(VIM)


@dataclass(slots=True)
class SourceObject:
    """One managed object: its type, moref value, the values by path, and why other paths could not be read.

    `dropped` are paths that were not asked for, since this server does not know them; they are shared by all objects.
    """

    kind: str
    native_id: str
    values: dict[str, Element] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)

    @property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """Paths and reasons, in the server's order."""
        return tuple(self.faults.items())

    def why(self, path: str) -> Unknown:
        """Why there is no value at `path`."""
        if path in self.dropped:
            return Unknown(self.dropped[path], everywhere=True)
        reason = self.faults.get(path)
        return Unknown(reason) if reason else NOT_GIVEN

    def text(self, path: str) -> str | Unknown:
        value = self.values.get(path)
        return self.why(path) if value is None else value.text or ""

    def integer(self, path: str) -> int | Unknown:
        value = self.values.get(path)
        return self.why(path) if value is None else integer(value)

    def boolean(self, path: str) -> bool | Unknown:
        value = self.values.get(path)
        return self.why(path) if value is None else boolean(value)

    def moment(self, path: str) -> datetime | Unknown:
        value = self.values.get(path)
        return self.why(path) if value is None else moment(value)

    def element(self, path: str) -> Element | Unknown:
        value = self.values.get(path)
        return self.why(path) if value is None else value

    def morefs(self, path: str) -> tuple[str, ...]:
        """The moref values of a list; empty when unset or unreadable (`unreadable` tells which)."""
        value = self.values.get(path)
        return () if value is None else tuple(child.text or "" for child in value)

    def told_morefs(self, path: str) -> tuple[str, ...] | Unknown:
        """The same, but an unreadable list is why it is so; empty when the server gives none."""
        value = self.values.get(path)
        why = self.why(path) if value is None else NOT_GIVEN
        return self.morefs(path) if why is NOT_GIVEN else why

    def given_morefs(self, path: str) -> tuple[str, ...] | Unknown:
        """The same of a list that every server gives, if only empty: one that is missing is unknown."""
        return self.morefs(path) if path in self.values else self.why(path)

    def parent(self, path: str = "parent") -> tuple[str, str]:
        """Type and moref value of a single reference; two empty strings when unset."""
        value = self.values.get(path)
        return ("", "") if value is None else (value.get("type") or "", value.text or "")

    def name(self) -> str:
        """The decoded name; the moref value when the server withholds it."""
        name = self.text("name")
        return decoded_name(name) if is_known(name) and name else self.native_id


def source_object(element: Element, dropped: dict[str, str]) -> SourceObject:
    """Read one `objects` element. `dropped` holds paths that were not even asked for, with the reason."""
    found = SourceObject("", "", dropped=dropped)
    values = found.values
    for part in element:
        tag = part.tag
        if tag == _PROP_SET:
            if len(part) == 2:
                values[part[0].text or ""] = part[1]
        elif tag == _OBJ:
            found.kind, found.native_id = part.get("type") or "", part.text or ""
        elif tag == _MISSING_SET:
            _note_missing(found, part)
    return found


def _note_missing(found: SourceObject, part: Element) -> None:
    """A path the server refuses; some servers report a path they do not know here instead of refusing the call."""
    path, reason = part.findtext(_PATH) or "", _missing_reason(part)
    if reason.startswith("InvalidProperty"):
        found.dropped[path] = NOT_KNOWN_THERE
    else:
        found.faults[path] = reason


def _missing_reason(part: Element) -> str:
    localized = part.find(_FAULT)
    fault = read_fault(localized.find(_FAULT) if localized is not None else None)
    message = localized.findtext(f"{VIM}localizedMessage") if localized is not None else ""
    said = (fault.type_name, fault.fields.get("privilegeId"), message)
    return ": ".join(part for part in said if part)


def parts(element: Element) -> dict[str, Element]:
    """The children of an element by local name; the last of equal names. One pass, where many fields are read."""
    return {each.tag[_NAMESPACE_LENGTH:]: each for each in element}


@functools.cache
def _qualified(path: str) -> str:
    return "/".join(VIM + step for step in path.split("/"))


def child(element: Element | None, path: str) -> Element | None:
    """The first element below `element` along local names, e.g. `deviceInfo/label`."""
    return None if element is None else element.find(_qualified(path))


def children(element: Element | None, path: str) -> Iterator[Element]:
    """All elements along `path`."""
    return iter(()) if element is None else element.iterfind(_qualified(path))


def text(element: Element | None, path: str = "") -> str | Unknown:
    found = child(element, path) if path else element
    return NOT_GIVEN if found is None else found.text or ""


_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def integer(element: Element | None, path: str = "") -> int | Unknown:
    found = child(element, path) if path else element
    if found is None:
        return NOT_GIVEN
    try:
        number = int(found.text or "")
    except ValueError:
        return Unknown(f"the server says {found.text or ''!r}, which is no number")
    return number if _LEAST <= number <= _MOST else Unknown(f"the server says {number}, which is no number of 64 bits")


_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def boolean(element: Element | None, path: str = "", *, unset: bool | Unknown = NOT_GIVEN) -> bool | Unknown:
    """`unset` is what silence means; by default nobody knows."""
    found = child(element, path) if path else element
    if found is None:
        return unset
    known = _TRUTH.get(found.text or "")
    return Unknown(f"the server says {found.text or ''!r}, which is neither true nor false") if known is None else known


def allocation(element: Element | None, unit: int = 1) -> AllocationFacts:
    """Reservation, limit (-1 is unlimited) and level of shares; `unit` is the size of one of the server's units."""
    if element is None:
        return AllocationFacts()
    inside = parts(element)
    reservation, limit = integer(inside.get("reservation")), integer(inside.get("limit"))
    return AllocationFacts(
        reservation=reservation * unit if is_known(reservation) else reservation,
        limit=limit if isinstance(limit, Unknown) else None if limit < 0 else limit * unit,
        shares_level=text(inside.get("shares"), "level"),
    )


def moment(element: Element | None, path: str = "") -> datetime | Unknown:
    """An aware UTC time; vSphere sends ISO 8601 with an offset."""
    value = text(element, path)
    if isinstance(value, Unknown):
        return value
    try:
        when = datetime.fromisoformat(value)
        return Unknown(f"the server says {value!r} without a time zone") if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return Unknown(f"the server says {value!r}, which is no time")


def wire_type(element: Element | None) -> str:
    """VMware's type name of an element, from `xsi:type`, else from its tag."""
    return "" if element is None else _type_name(element.get(XSI_TYPE) or element.tag)


_type_name = functools.lru_cache(local)


def world_wide_name(number: int) -> str:
    """As fabrics spell it, `21:00:00:24:ff:00:00:10`; the wire has it as a signed number of 64 bits."""
    return (number & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8).hex(":")


def plain(value: str | Unknown) -> str:
    """A text for a field that is empty when nothing was told."""
    return value if is_known(value) else ""


def decoded_name(name: str) -> str:
    """A name as people typed it: vSphere escapes slash, backslash and per cent, and nothing else."""
    if "%" not in name:
        return name
    for escaped, plain in (("%2f", "/"), ("%2F", "/"), ("%5c", "\\"), ("%5C", "\\"), ("%25", "%")):
        name = name.replace(escaped, plain)
    return name


def or_none(value: D | Unknown, *, whole: bool) -> D | Unknown | None:
    """`None` for a value that is unset on an object that was read whole; otherwise as it is."""
    return None if value is NOT_GIVEN and whole else value
