"""Folders, datacenters and vApps: only their names and parents, from which inventory paths are built locally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyVmomi import vim

from estate.vsphere.inventory.paging import Query, pages
from estate.vsphere.inventory.values import SourceObject
from estate.vsphere.session import VsphereSession

DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Places:
    """Name and parent of every place by moref value. The root folder is not among them."""

    by_id: dict[str, tuple[str, str]]

    def path(self, native_id: str) -> str:
        """Names from the datacenter down to this place, joined by slashes; empty for an unknown place."""
        names: list[str] = []
        while native_id in self.by_id and len(names) < DEEPEST:
            name, native_id = self.by_id[native_id]
            names.append(name)
        return "/".join(reversed(names))


def read_places(session: VsphereSession, *, page_objects: int, alive: Callable[[], None] | None) -> Places:
    """Read every place below the root folder."""
    kinds = (
        Query(vim.Folder, ("name", "parent"), _place),
        Query(vim.Datacenter, ("name", "parent"), _place),
        Query(vim.VirtualApp, ("name", "parentFolder"), _vapp),
    )
    rows = (row for query in kinds for page in pages(session, query, page_objects=page_objects, alive=alive) for row in page)
    return Places({native_id: (name, parent) for native_id, name, parent in rows})


def _place(found: SourceObject) -> tuple[str, str, str]:
    return found.native_id, found.name(), found.parent()[1]


def _vapp(found: SourceObject) -> tuple[str, str, str]:
    return found.native_id, found.name(), found.parent("parentFolder")[1]
