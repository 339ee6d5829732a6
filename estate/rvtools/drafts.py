"""Machines while their rows come in. vInfo alone says which machines there are; rows of other sheets find theirs here."""

from __future__ import annotations

from dataclasses import dataclass, field

from estate.facts.source import DeviceFacts, DiskFacts, GuestDiskFacts, NicFacts, SnapshotFacts
from estate.rvtools.names import scoped
from estate.rvtools.tables import Record


@dataclass(slots=True)
class Draft:
    """One machine while its rows come in; `native_id` is unique in the workbook."""

    native_id: str
    center: str
    record: Record
    disks: list[DiskFacts] = field(default_factory=list)
    nics: list[NicFacts] = field(default_factory=list)
    volumes: list[GuestDiskFacts] = field(default_factory=list)
    snapshots: list[SnapshotFacts] = field(default_factory=list)
    cd_drives: list[DeviceFacts] = field(default_factory=list)
    usb_devices: list[DeviceFacts] = field(default_factory=list)
    extra: list[tuple[str, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


class Machines:
    """All machines of a workbook by everything a row may name them by."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        self._by_key: dict[tuple[str, str, str], Draft | None] = {}
        self.strays: dict[str, int] = {}

    def add(self, record: Record, extra: tuple[tuple[str, str], ...], *, several: bool) -> None:
        """A row of vInfo. One that repeats a machine is counted and left out."""
        center = record["center"]
        draft = Draft(scoped(center, _own_id(record), several=several), center, record, extra=list(extra))
        if draft.native_id in self.drafts:
            self.strays["vInfo"] = self.strays.get("vInfo", 0) + 1
            return
        self.drafts[draft.native_id] = draft
        for name in ("vm_id", "vm_uuid", "vm_name"):
            if record[name]:
                key = (name, center, record[name])
                self._by_key[key] = None if key in self._by_key else draft

    def of(self, sheet: str, record: Record) -> Draft | None:
        """The machine of another sheet's row; None, and counted, when it is of no machine or of several that look alike."""
        for name in ("vm_id", "vm_uuid", "vm_name"):
            value = record[name]
            if value and isinstance(value, str):
                found = self._by_key.get((name, record["center"], value))
                if found is not None:
                    found.seen.add(sheet)
                    return found
                if name == "vm_id":
                    break
        self.strays[sheet] = self.strays.get(sheet, 0) + 1
        return None


def _own_id(record: Record) -> str:
    """The moref, else an id made of what stays the same from export to export."""
    if record["vm_id"]:
        return str(record["vm_id"])
    if record["vm_uuid"]:
        return f"vm:{record['vm_uuid']}"
    return f"vm:{record['vm_name']}:{record['path']}"
