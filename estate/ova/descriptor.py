"""The OVF descriptor as elements without namespaces' prefixes: parsed with no DTD, no entities, bounded size and depth."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree
from lxml.etree import _Element

from estate.ova.errors import DescriptorInvalid, DiskFormatRefused
from estate.ova.package import Package

MAX_DESCRIPTOR_BYTES = 8 << 20
MAX_SYSTEMS = 1000
MAX_SYSTEM_DEPTH = 8

_UNITS = {"byte": 1, "bytes": 1, "kb": 1 << 10, "kilobytes": 1 << 10, "mb": 1 << 20, "megabytes": 1 << 20, "gb": 1 << 30}
_UNITS |= {"gigabytes": 1 << 30, "tb": 1 << 40, "kilobyte": 1 << 10, "megabyte": 1 << 20, "gigabyte": 1 << 30}
_POWER = re.compile(r"byte\s*\*\s*(2|10)\s*\^\s*(\d{1,2})")
_FACTOR = re.compile(r"byte\s*\*\s*(\d{1,12})")


def local(element: _Element) -> str:
    """The name without its namespace; empty for comments and processing instructions."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: _Element | None, *names: str) -> Iterator[_Element]:
    """The children of these names, whatever their namespace."""
    return (child for child in ([] if element is None else element) if local(child) in names)


def child(element: _Element | None, *names: str) -> _Element | None:
    return next(children(element, *names), None)


def text(element: _Element | None, name: str) -> str:
    """The stripped text of a child; empty when there is none."""
    found = child(element, name)
    return (found.text or "").strip() if found is not None else ""


def attribute(element: _Element | None, name: str) -> str:
    """An attribute by its local name: writers disagree about namespaces of attributes."""
    if element is None:
        return ""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def unit_bytes(told: str) -> int | None:
    """Bytes of one unit: `byte * 2^20`, `MB`, `MegaBytes`; None when it is not understood. Empty means bytes."""
    spelled = told.strip().lower()
    if not spelled:
        return 1
    if power := _POWER.fullmatch(spelled):
        return int(power[1]) ** int(power[2]) if int(power[2]) <= 60 else None
    if factor := _FACTOR.fullmatch(spelled):
        return int(factor[1])
    return _UNITS.get(spelled)


def quantity(told: str) -> int | None:
    """A whole number that fits 63 bits, else None."""
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else None


@dataclass(frozen=True, slots=True)
class StoredDisk:
    """An entry of the DiskSection with the file it refers to (empty for an empty disk)."""

    disk_id: str
    capacity_bytes: int | None
    populated_bytes: int | None
    file_name: str
    format_uri: str
    has_parent: bool


@dataclass(frozen=True, slots=True)
class Descriptor:
    """`configuration` is the id of the default deployment option, empty without options."""

    root: _Element
    disks: dict[str, StoredDisk]
    file_names: list[str]
    systems: list[_Element]
    collections: list[_Element]
    configuration: str


def parse(package: Package) -> Descriptor:
    """Raises DescriptorInvalid, and DiskFormatRefused for chunked or compressed files."""
    root = _root(package.content(package.descriptor, MAX_DESCRIPTOR_BYTES), package.name)
    files = _files(root, package.name)
    systems: list[_Element] = []
    collections: list[_Element] = []
    _gather(root, systems, collections, package.name)
    if not systems:
        raise DescriptorInvalid("The descriptor describes no virtual machine", where=package.name)
    disks = {disk.disk_id: disk for disk in _disks(root, files, package.name)}
    return Descriptor(root, disks, list(files.values()), systems, collections, _default_configuration(root))


def _root(content: bytes, where: str) -> _Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise DescriptorInvalid(f"The descriptor is not well-formed XML: {str(error)[:200]}", where=where) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise DescriptorInvalid("The descriptor holds a document type definition, which no OVF needs", where=where)
    if local(root) != "Envelope":
        raise DescriptorInvalid(f"The descriptor's root is {local(root)!r}, not an OVF Envelope", where=where)
    return root


def _files(root: _Element, where: str) -> dict[str, str]:
    """Names by file id."""
    found: dict[str, str] = {}
    for entry in children(child(root, "References"), "File"):
        name = attribute(entry, "href")
        if attribute(entry, "chunkSize"):
            raise DiskFormatRefused(f"{name} is stored in chunks", where=where)
        if attribute(entry, "compression") not in ("", "identity"):
            raise DiskFormatRefused(f"{name} is stored with {attribute(entry, 'compression')} compression", where=where)
        if "/" in name or "\\" in name or not name:
            raise DescriptorInvalid(f"The descriptor refers to {name[:200]!r}, which is no file of its package", where=where)
        found[attribute(entry, "id")] = name
    return found


def _disks(root: _Element, files: dict[str, str], where: str) -> Iterator[StoredDisk]:
    for entry in children(child(root, "DiskSection"), "Disk"):
        reference = attribute(entry, "fileRef")
        if reference and reference not in files:
            raise DescriptorInvalid(f"The descriptor refers to a file {reference[:200]!r} that it does not list", where=where)
        unit, amount = unit_bytes(attribute(entry, "capacityAllocationUnits")), quantity(attribute(entry, "capacity"))
        yield StoredDisk(
            disk_id=attribute(entry, "diskId"),
            capacity_bytes=None if unit is None or amount is None else amount * unit,
            populated_bytes=quantity(attribute(entry, "populatedSize")),
            file_name=files.get(reference, ""),
            format_uri=attribute(entry, "format"),
            has_parent=bool(attribute(entry, "parentRef")),
        )


def _gather(element: _Element, systems: list[_Element], collections: list[_Element], where: str, depth: int = 0) -> None:
    if depth > MAX_SYSTEM_DEPTH:
        raise DescriptorInvalid("The descriptor nests collections of machines too deep", where=where)
    for found in children(element, "VirtualSystem", "VirtualSystemCollection", "Content"):
        if local(found) == "VirtualSystemCollection" or attribute(found, "type").endswith("VirtualSystemCollection_Type"):
            collections.append(found)
            _gather(found, systems, collections, where, depth + 1)
        else:
            systems.append(found)
    if len(systems) > MAX_SYSTEMS:
        raise DescriptorInvalid(f"The descriptor describes more than {MAX_SYSTEMS} machines", where=where)


def _default_configuration(root: _Element) -> str:
    options = list(children(child(root, "DeploymentOptionSection"), "Configuration"))
    chosen = [option for option in options if attribute(option, "default") in ("true", "1")] or options
    return attribute(chosen[0], "id") if chosen else ""
