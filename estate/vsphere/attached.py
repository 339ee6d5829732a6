"""Disks that an export leaves out (independent ones), read from their files on the datastore.

The machine has to be off: a running one locks its files. What a server proxies here is slower than an export, and holes of
a thick file cross the line as zeros; so only what no export offers is read this way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

from estate.disks.images import ImageSource, open_image
from estate.errors import AskPerson
from estate.facts.source import DiskBacking, DiskFacts
from estate.facts.unknown import Unknown, is_known
from estate.vsphere.datastore import DatastoreFolder
from estate.vsphere.inventory.places import DEEPEST
from estate.vsphere.inventory.values import SourceObject, plain, text
from estate.vsphere.machine import read_object
from estate.vsphere.session import VsphereSession

_IN_FILES = frozenset({DiskBacking.FLAT, DiskBacking.SPARSE, DiskBacking.SE_SPARSE})
_NO_FILES = frozenset({"vsan", "vvol"})
_ABOVE: dict[str, type[Any]] = {"Folder": vim.Folder, "Datacenter": vim.Datacenter, "StoragePod": vim.StoragePod}


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where `/folder` finds a datastore: names as the server gives them, with its escapes."""

    datacenter_path: str
    datastore: str
    kind: str
    volume_ids: frozenset[str]


def lies_in_files(disk: DiskFacts) -> bool:
    """Whether its content is surely in files that a server hands out: no raw device, and known not to be encrypted."""
    return disk.backing in _IN_FILES and disk.encrypted is False and is_known(disk.file_name)


def may_be_shared(disk: DiskFacts) -> bool:
    """Whether other machines may write to it while this one is off: nobody locks such a file, and a copy could be torn. What
    the server does not tell may be so.
    """
    return disk.sharing != "sharingNone" or disk.controller_shared_bus != "noSharing"


def open_from_files(session: VsphereSession, disk: DiskFacts) -> ImageSource:
    """The disk of a machine that is off, with all files it is made of.

    Raises:
        AskPerson: its datastore keeps no files (`datastore_without_files`), or its place is not told (`devices_unreadable`).
        EdgeError: see `DatastoreFolder.open` and `estate.disks.images.open_image`.
    """
    if isinstance(disk.file_name, Unknown) or not disk.datastore_id or isinstance(disk.datastore_id, Unknown):
        raise _untold(session, disk)
    place = place_of(session, disk.datastore_id)
    if place.kind.lower() in _NO_FILES:
        raise AskPerson(
            f"{disk.label} lies on {place.datastore}, a datastore of kind {place.kind}: it keeps objects, not files to be read",
            code="datastore_without_files",
            next_step="Move the disk to a VMFS or NFS datastore, or set its mode to persistent (then it is exported); retry.",
            where=session.where,
        )
    folder = DatastoreFolder(session, place.datacenter_path, place.datastore, volume_ids=place.volume_ids)
    return ImageSource(open_image(folder, _inside(disk.file_name, place.datastore)))


def place_of(session: VsphereSession, datastore_id: str) -> StorePlace:
    """Walk from the datastore up to the root folder. Raises: AskPerson `object_gone`, `devices_unreadable`; EdgeError."""
    store = read_object(session, vim.Datastore, datastore_id, ("name", "parent", "summary"))
    summary = store.element("summary")
    kind, url = ("", "") if isinstance(summary, Unknown) else (plain(text(summary, "type")), plain(text(summary, "url")))
    names = _datacenter_names(session, store)
    volume = url.rstrip("/").rsplit("/", 1)[-1]
    return StorePlace("/".join(reversed(names)), _raw_name(session, store), kind, frozenset({volume} - {""}))


def _datacenter_names(session: VsphereSession, store: SourceObject) -> list[str]:
    """Names from the datacenter up to the folder below the root, whose own name belongs to no path."""
    names, in_datacenter = list[str](), False
    kind, native_id = store.parent()
    for _ in range(DEEPEST):
        if kind not in _ABOVE:
            break
        above = read_object(session, _ABOVE[kind], native_id, ("name", "parent"))
        in_datacenter = in_datacenter or kind == "Datacenter"
        next_kind, next_id = above.parent()
        if in_datacenter and next_kind:
            names.append(_raw_name(session, above))
        kind, native_id = next_kind, next_id
    return names


def _raw_name(session: VsphereSession, found: SourceObject) -> str:
    name = found.text("name")
    if not isinstance(name, Unknown):
        return name
    raise AskPerson(
        f"{session.where} does not tell the name of {found.native_id}, under which a disk's files would be found ({name.reason})",
        code="devices_unreadable",
        next_step="Give the account the right to read the datastore and its folders, then start this step again.",
        where=session.where,
    )


def _inside(file_name: str, datastore: str) -> str:
    """The path inside the datastore; a datastore's name may hold a bracket itself."""
    prefix = f"[{datastore}] "
    return file_name.removeprefix(prefix) if file_name.startswith(prefix) else file_name.partition("] ")[2]


def _untold(session: VsphereSession, disk: DiskFacts) -> AskPerson:
    return AskPerson(
        f"{session.where} does not tell on which file of which datastore {disk.label} lies",
        code="devices_unreadable",
        next_step="Reconnect the machine's host in vCenter, then start this step again.",
        where=session.where,
    )
