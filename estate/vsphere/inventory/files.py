"""The files a VM consists of, and how many of them make up each of its disks."""

from __future__ import annotations

from estate.facts.source import FileFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.inventory.told import Told
from estate.vsphere.inventory.values import children, integer, parts, plain, text


def files(told: Told) -> tuple[FileFacts, ...] | Unknown:
    """Every file, in the server's order."""
    listed = told.element("layoutEx.file")
    if isinstance(listed, Unknown):
        return listed
    inside = (parts(each) for each in listed)
    return tuple(
        FileFacts(plain(text(each.get("name"))), plain(text(each.get("type"))), integer(each.get("size"))) for each in inside
    )


def chain_lengths(told: Told) -> dict[int, int] | Unknown:
    """How many disks stand on each other, the running one included, by device key."""
    listed = told.element("layoutEx.disk")
    if isinstance(listed, Unknown):
        return listed
    pairs = ((integer(each, "key"), sum(1 for _ in children(each, "chain"))) for each in listed)
    return {key: length for key, length in pairs if is_known(key)}
