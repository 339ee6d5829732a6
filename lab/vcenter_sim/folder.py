"""Files of datastores over HTTP: `/folder/PATH?dcPath=...&dsName=...`, whole or by range, for whoever is logged in.

A disk is two files: its descriptor, and the flat extent with the raw bytes. Answering is http.py's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from lab.vcenter_sim.center import Center
from lab.vcenter_sim.devices import base_file
from lab.vcenter_sim.machine import Machine

FOLDER = "/folder/"
SECTOR_BYTES = 512
PIECE_BYTES = 1 << 20
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DatastoreFile:
    """One file: some bytes, or a file on the lab's own disk."""

    content: bytes | Path

    @property
    def size_bytes(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to `end`."""
        if isinstance(self.content, bytes):
            yield self.content[start:end]
            return
        with self.content.open("rb") as file:
            file.seek(start)
            while start < end and (piece := file.read(min(PIECE_BYTES, end - start))):
                yield piece
                start += len(piece)


def find_file(center: Center, target: str) -> DatastoreFile | None:
    """The file behind a URL; None when that datastore of that datacenter has none of this name."""
    parts = urlsplit(target)
    asked = parse_qs(parts.query)
    if asked.get("dcPath", [""])[0] != center.places.estate.datacenter:
        return None
    store = asked.get("dsName", [""])[0]
    wanted = f"[{store}] {unquote(parts.path.removeprefix(FOLDER))}"
    for machine in center.places.machines.values():
        for index in _in_files(machine):
            descriptor = base_file(machine, index)
            extent = descriptor.replace(".vmdk", "-flat.vmdk")
            if wanted not in (descriptor, extent):
                continue
            prepared = center.disks.prepare(machine.estate.disk_plan(machine.spec, index))
            if wanted == extent:
                return DatastoreFile(prepared.raw_path)
            return DatastoreFile(_descriptor(prepared.capacity_bytes, extent.rsplit("/", 1)[1]))
    return None


def _in_files(machine: Machine) -> list[int]:
    """Indexes of the disks that are files of their own, also those that no export carries."""
    return [index for index, disk in enumerate(machine.spec.disks) if not disk.rdm]


def _descriptor(capacity_bytes: int, extent: str) -> bytes:
    """What a flat disk's descriptor says. Source: VMware's Virtual Disk Format 5.0."""
    sectors = capacity_bytes // SECTOR_BYTES
    lines = (
        "# Disk DescriptorFile", "version=1", "CID=fffffffe", "parentCID=ffffffff", 'createType="vmfs"', "",
        f'RW {sectors} VMFS "{extent}"', "", 'ddb.adapterType = "lsilogic"', "",
    )  # fmt: skip
    return "\n".join(lines).encode()


def range_of(header: str, size_bytes: int) -> tuple[int, int] | None:
    """Start and end of the one range that is asked for; None for the whole file, (0, 0) when it cannot be satisfied."""
    found = _RANGE.fullmatch(header.strip())
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(0, size_bytes - int(found[2])), size_bytes
    start = int(found[1])
    end = min(size_bytes, int(found[2]) + 1) if found[2] else size_bytes
    return (start, end) if start < end else (0, 0)
