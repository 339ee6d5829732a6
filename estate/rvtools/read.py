"""Reads a workbook into facts: vInfo and the sheets around it, then everything handed on page by page, machines last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from estate.facts.source import SourceAbout, SourceFact
from estate.facts.unknown import Unknown
from estate.rvtools import hosts, landscape, machines
from estate.rvtools import landscape_columns as around
from estate.rvtools.device_columns import VCD, VDISK, VNETWORK, VPARTITION, VSNAPSHOT, VUSB
from estate.rvtools.drafts import Draft, Machines
from estate.rvtools.landscape import Register, Rows
from estate.rvtools.machine_columns import VCPU, VINFO, VMEMORY, VTOOLS
from estate.rvtools.tables import NOT_IN_WORKBOOKS, Record, SheetColumns, Table, folded, said
from estate.sheets import CellInvalid, ColumnMissing, SheetMissing, Workbook, open_workbook
from estate.sheets.sheet import Row

PAGE_OBJECTS = 500
_NEEDED_SHEETS = (VINFO, VDISK, VNETWORK, around.VHOST)
_NEEDED_COLUMNS = ("vm_name", "power_state", "vcpus", "memory_bytes")
_AROUND = (
    around.VMETADATA,
    around.VSOURCE,
    around.VCLUSTER,
    around.VHOST,
    around.VHBA,
    around.VNIC,
    around.VSWITCH,
    around.VPORT,
    around.DVSWITCH,
    around.DVPORT,
    around.VKERNEL,
    around.VDATASTORE,
    around.VMULTIPATH,
    around.VRP,
)
_KEEP_UNKNOWN = frozenset({"vCluster", "vHost", "vDatastore"})
_OF_MACHINES: tuple[tuple[SheetColumns, Callable[[Draft, Record, Register], None]], ...] = (
    (VCPU, machines.add_fields),
    (VMEMORY, machines.add_fields),
    (VTOOLS, machines.add_fields),
    (VDISK, machines.add_disk),
    (VPARTITION, machines.add_volume),
    (VNETWORK, machines.add_nic),
    (VSNAPSHOT, machines.add_snapshot),
    (VCD, machines.add_cd_drive),
    (VUSB, machines.add_usb_device),
)
_ALL = (VINFO, *_AROUND, *(layout for layout, _ in _OF_MACHINES))


class OnPage(Protocol):
    """Takes one page of facts; `kind` is `host`, `cluster`, `datastore`, `network`, `switch`, `container` or `vm`.

    Never called with an empty page.
    """

    def __call__(self, kind: str, facts: Sequence[SourceFact], /) -> None: ...


def read(path: Path, *, on_page: OnPage, alive: Callable[[], None] | None = None) -> SourceAbout:
    """Read the workbook at `path` (`.xlsx`, a folder of CSV files, or a zip of them) and hand its facts to `on_page`.

    `alive` is called every few hundred rows and may raise to stop. What the workbook lacks is in the answer's `lacking`.

    Raises: WorkbookError (see estate.sheets.errors) with sheet, row and column.
    """
    with open_workbook(path) as workbook:
        return _Reading(workbook, alive or _nothing).run(path.name, on_page)


class _Reading:
    """One workbook being read."""

    def __init__(self, workbook: Workbook, alive: Callable[[], None]) -> None:
        self._workbook = workbook
        self._alive = alive
        self._sheets = {folded(name) for name in workbook.names}
        self._there = frozenset(layout.name for layout in _ALL if folded(layout.name) in self._sheets)
        self._rows = Rows()
        self._machines = Machines()
        self._several = False

    def run(self, name: str, on_page: OnPage) -> SourceAbout:
        self._check_sheets(name)
        adders = {layout.name: add for layout, add in _OF_MACHINES}
        register: Register | None = None
        for layout, table in self._tables():
            if layout is VINFO:
                self._read_machines(table)
            elif layout.name not in adders:
                self._rows.by_sheet[layout.name] = [self._around(layout, table, *each) for each in table.records(self._alive)]
            else:
                register = register or Register(self._rows, several=self._several)
                self._read_parts(layout.name, table, adders[layout.name], register)
        assert register is not None, "vDisk and vNetwork are there"
        self._emit(register, on_page)
        return self._about(name)

    def _check_sheets(self, name: str) -> None:
        missing = [layout.name for layout in _NEEDED_SHEETS if layout.name not in self._there]
        if missing:
            step = f"Export again with all sheets; an assessment needs {', '.join(each.name for each in _NEEDED_SHEETS)}."
            raise SheetMissing(f"{name} has no sheet {', '.join(missing)}", next_step=step, where=name)

    def _tables(self) -> Iterator[tuple[SheetColumns, Table]]:
        by_name = {folded(layout.name): layout for layout in _ALL}
        unread = {layout.name: layout.unread() for layout in _ALL}
        for sheet in self._workbook.sheets(*(layout.name for layout in _ALL), unread=unread):
            layout = by_name[folded(sheet.name)]
            yield layout, Table(sheet, layout)

    def _read_machines(self, table: Table) -> None:
        """All of vInfo is held before ids are made: only then it is known whether it is of several vCenters."""
        missing = table.lacks(*_NEEDED_COLUMNS)
        if missing:
            raise ColumnMissing("vInfo", missing)
        found = [self._machine(table, *each) for each in table.records(self._alive)]
        self._several = len({record["center"] for record, _ in found}) > 1
        for record, extra in found:
            self._machines.add(record, extra, several=self._several)

    def _machine(self, table: Table, number: int, record: Record, row: Row) -> tuple[Record, tuple[tuple[str, str], ...]]:
        if not record["vm_name"]:
            raise _nameless(table, number)
        custom, other = _own_columns(table)
        record["custom_values"] = tuple(_said(custom, row)) if "annotation" in table.places else NOT_IN_WORKBOOKS
        return record, tuple(_said(other, row))

    def _around(self, layout: SheetColumns, table: Table, _: int, record: Record, row: Row) -> Record:
        if layout.name in _KEEP_UNKNOWN:
            record["extra"] = tuple(_said(table.unknown, row))
        return record

    def _read_parts(self, sheet: str, table: Table, add: Callable[[Draft, Record, Register], None], register: Register) -> None:
        for _, record, _ in table.records(self._alive):
            draft = self._machines.of(sheet, record)
            if draft is not None:
                add(draft, record, register)

    def _emit(self, register: Register, on_page: OnPage) -> None:
        rows = self._rows
        networks = landscape.networks(rows, register)
        found = hosts.hosts(rows, register, networks)
        _pages("host", found, on_page)
        _pages("cluster", landscape.clusters(rows, register, found), on_page)
        _pages("datastore", landscape.datastores(rows, register), on_page)
        _pages("network", networks, on_page)
        _pages("switch", landscape.switches(rows, register), on_page)
        members = landscape.members(self._machines.drafts.values(), register)
        _pages("container", landscape.containers(rows, register, members), on_page)
        drafts = list(self._machines.drafts.values())
        for first in range(0, len(drafts), PAGE_OBJECTS):
            self._alive()
            part = drafts[first : first + PAGE_OBJECTS]
            on_page("vm", [machines.facts(draft, register, self._there) for draft in part])

    def _about(self, name: str) -> SourceAbout:
        meta, source = (next(iter(self._rows.of(sheet)), {}) for sheet in ("vMetaData", "vSource"))
        first: Record = next((draft.record for draft in self._machines.drafts.values()), {})
        kind = _text(source, "api_type") or _text(first, "server_type")
        return SourceAbout(
            product=_text(source, "full_name") or _text(source, "product") or f"RVTools {_text(meta, 'version')}".strip(),
            api_version=_text(source, "api_version") or _text(first, "api_version"),
            build=_text(source, "build"),
            instance_uuid="" if self._several else _text(first, "center"),
            is_vcenter=not self._several and "virtualcenter" in kind.lower().replace(" ", ""),
            lacking=tuple(self._lacking()),
            taken_at=meta.get("made_at", Unknown(f"{name} does not say when it was made", everywhere=True)),
        )

    def _lacking(self) -> Iterator[tuple[str, str]]:
        for layout in _ALL:
            if layout.name not in self._there:
                fields = ", ".join(column.headers[0] for column in layout.columns if not column.key)
                yield layout.name, f"the workbook has no such sheet: unknown are {fields}"
        for sheet, count in self._machines.strays.items():
            yield sheet, f"{count} rows belong to no machine of vInfo, or repeat one"


def _own_columns(table: Table) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Columns that RVTools does not have: custom attributes stand between Annotation and Datacenter, others anywhere."""
    first, last = table.places.get("annotation", -1), table.places.get("datacenter", -1)
    custom = [each for each in table.unknown if first < each[1] < last] if first >= 0 else []
    return custom, [each for each in table.unknown if each not in custom]


def _said(columns: Sequence[tuple[str, int]], row: Row) -> Iterator[tuple[str, str]]:
    for header, index in columns:
        value = said(row, index)
        if value:
            yield header, value


def _nameless(table: Table, number: int) -> CellInvalid:
    return table.invalid("vm_name", number, "a machine has no name")


def _text(record: Record, field: str) -> str:
    value: Any = record.get(field, "")
    return value if isinstance(value, str) else ""


def _pages(kind: str, facts: Sequence[SourceFact], on_page: OnPage) -> None:
    for first in range(0, len(facts), PAGE_OBJECTS):
        on_page(kind, facts[first : first + PAGE_OBJECTS])


def _nothing() -> None:
    """No one watches."""
