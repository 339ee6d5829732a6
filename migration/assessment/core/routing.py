"""Which way a machine goes: converted by itself, or made anew from its gold image as clones and streamed desktops are.

Marks are values read from a versioned data file by selectors. A mark that could not be looked for leaves the way open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.core.results import Answer, both, either, known

NETWORK = "ethernet"
CLONE_RISK = "RISK-CLONE-CONVERTED"
"""The risk that is accepted, machine by machine, when one is converted although it is made from a gold image."""


class Runbook(StrEnum):
    CONVERSION = "conversion"
    GOLD_IMAGE = "gold_image"


class MarkedField(StrEnum):
    """Where a mark is looked for; `custom_values` are looked up by the names of custom attributes."""

    NAME = "name"
    ANNOTATION = "annotation"
    FOLDER = "folder_path"
    MANAGED_BY = "managed_by"
    CUSTOM = "custom_values"
    DISK_FILE = "disks.file_name"


@dataclass(frozen=True, slots=True)
class Mark:
    tool: str
    field: MarkedField
    pattern: re.Pattern[str]
    why: str


@dataclass(frozen=True, slots=True)
class Marks:
    version: str
    reviewed: date
    source: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """One sign of a gold image, or a sign that could not be looked for. `tool` is `clone`, `horizon`, `mcs` or `pvs`."""

    answer: Answer
    tool: str
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Route:
    """`runbook` is UNKNOWN while no sign is there and some could not be looked for; `reasons` then are those."""

    runbook: Runbook | Unknown
    reasons: tuple[Reason, ...]


def marks_from(table: Mapping[str, Any]) -> Marks:
    """The marks out of a parsed data file. Raises KeyError, ValueError, re.error for a file that is not one."""
    marks = tuple(
        Mark(row["tool"], MarkedField(row["field"]), re.compile(row["pattern"], re.IGNORECASE), row["why"])
        for row in table["marks"]
    )
    return Marks(table["version"], table["reviewed"], table["source"], marks)


def route_of(vm: VmFacts, marks: Marks) -> Route:
    """The machine's way with everything that speaks for it. One sign is enough for the gold image."""
    reasons = [reason for reason in _reasons(vm, marks) if reason.answer is not Answer.FALSE]
    signs = tuple(reason for reason in reasons if reason.answer is Answer.TRUE)
    if signs:
        return Route(Runbook.GOLD_IMAGE, signs)
    if reasons:
        return Route(Unknown("; ".join(dict.fromkeys(reason.path for reason in reasons)) + " not read"), tuple(reasons))
    return Route(Runbook.CONVERSION, ())


def _reasons(vm: VmFacts, marks: Marks) -> Iterator[Reason]:
    yield from _clone_reasons(vm)
    first = known(vm.boot_order, lambda order: order[:1] == (NETWORK,))
    yield Reason(first, "pvs", "boot_order", "It boots from the network first, as streamed machines do.")
    for mark in marks.marks:
        yield Reason(_carries(vm, mark), mark.tool, mark.field.value, mark.why)


def _clone_reasons(vm: VmFacts) -> Iterator[Reason]:
    yield Reason(known(vm.forked, bool), "clone", "forked", "It is an instant clone of a running machine.")
    if isinstance(vm.disks, Unknown):
        yield Reason(Answer.UNKNOWN, "clone", "disks", "Its disks may hang on those of another machine.")
        return
    plain = known(vm.snapshots, lambda snapshots: not snapshots)
    linked = either(*(known(disk.native_linked_clone, bool) for disk in vm.disks))
    parent = both(either(*(known(disk.has_parent, bool) for disk in vm.disks)), plain)
    yield Reason(linked, "clone", "disks.native_linked_clone", "A disk is a clone that the array made.")
    yield Reason(parent, "clone", "disks.has_parent", "A disk hangs on a parent that no snapshot of its own explains.")


def _carries(vm: VmFacts, mark: Mark) -> Answer:
    """Three-valued: a value that was not read may carry the mark."""
    return either(*(known(value, lambda text: mark.pattern.search(text) is not None) for value in _values(vm, mark.field)))


def _values(vm: VmFacts, field: MarkedField) -> Iterable[str | Unknown]:
    if field is MarkedField.DISK_FILE:
        return (vm.disks,) if isinstance(vm.disks, Unknown) else (disk.file_name for disk in vm.disks)
    if field is MarkedField.CUSTOM:
        return (vm.custom_values,) if isinstance(vm.custom_values, Unknown) else (name for name, _ in vm.custom_values)
    value = getattr(vm, field.value)
    return () if value is None else (value,)
