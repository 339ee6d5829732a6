"""The estate as a workbook for people to fill in: what shall become of each machine, and the applications they serve.

What a cell held when it was written travels in a hidden column, so that a change made meanwhile is seen when it comes back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from estate.sheets import Cell, Column, SheetToWrite, write_workbook
from migration.assessment import selectors
from migration.inventory import selectors as inventory
from migration.inventory.selectors import Application, Machine
from migration.inventory.services.applications import CRITICALITIES, SEPARATOR
from migration.inventory.services.machines import DISPOSITIONS
from project.backbone.clock import now
from project.backbone.models import Project

AS_EXPORTED = "As exported"
MACHINE_ID, DISPOSITION, APPLICATION, NOTE = "Machine id", "Disposition", "Application", "Note"
NAME, OWNER, CRITICALITY, RTO, DEPENDS_ON = "Name", "Owner", "Criticality", "RTO (hours)", "Depends on"
MACHINES_SHEET, APPLICATIONS_SHEET = "Machines", "Applications"
ROOM_FOR_APPLICATIONS = 2000
AT_ONCE = 1000
READ_ME = (
    "Fill in the white columns; grey ones are for your orientation and are not read back.",
    "Machines: choose what shall become of each machine. An empty disposition leaves it as it is.",
    "Machines: choose the application it serves; an empty application means that it serves none.",
    "Applications: write new ones below the others. A line that is taken away deletes nothing.",
    f"Applications: separate the names of those it needs by {SEPARATOR}",
    "Applications: the RTO is the number of hours after which it must run again; empty means that nobody said.",
    "Write no formulas. Send the file back as .xlsx: every cell is checked, and either all of it is taken or nothing.",
)


def estate_workbook(project: Project) -> bytes:
    """The workbook's bytes: a page to read, the machines, the applications."""
    sheets = (
        SheetToWrite("Read me", (Column("How to fill this in", 110, wrap=True),), ((line,) for line in READ_ME)),
        SheetToWrite(MACHINES_SHEET, _MACHINE_COLUMNS, _machine_rows(project), fill_in=True),
        SheetToWrite(APPLICATIONS_SHEET, _APPLICATION_COLUMNS, _application_rows(project), fill_in=True),
    )
    return write_workbook(sheets, made_at=now())


_MACHINE_COLUMNS = (
    Column("Machine", 28, closed=True),
    Column("Source", 18, closed=True),
    Column("Power", 12, closed=True),
    Column("Guest system", 34, closed=True),
    Column("vCPUs", 8, closed=True),
    Column("Memory (GiB)", 12, closed=True),
    Column("Disks (GiB)", 12, closed=True),
    Column("Verdict", 16, closed=True),
    Column(DISPOSITION, 14, choices=DISPOSITIONS),
    Column(APPLICATION, 26, choices_from=f"{APPLICATIONS_SHEET}!$A$2:$A${ROOM_FOR_APPLICATIONS}"),
    Column(NOTE, 50, wrap=True),
    Column(MACHINE_ID, 38, closed=True),
    Column(AS_EXPORTED, 10, closed=True, hidden=True),
)
_APPLICATION_COLUMNS = (
    Column(NAME, 28),
    Column(OWNER, 24),
    Column(CRITICALITY, 12, choices=CRITICALITIES),
    Column(RTO, 12),
    Column(DEPENDS_ON, 40, wrap=True),
    Column(NOTE, 50, wrap=True),
    Column(AS_EXPORTED, 10, closed=True, hidden=True),
)


def _machine_rows(project: Project) -> Iterator[Sequence[Cell | None]]:
    rows = list(inventory.machines(project))
    verdicts = selectors.verdicts(project, at=now())
    for first in range(0, len(rows), AT_ONCE):
        chunk = rows[first : first + AT_ONCE]
        for machine, view in zip(chunk, inventory.machine_views(chunk), strict=True):
            told = decided_texts(machine)
            verdict = verdicts[machine.id].value.replace("_", " ")
            yield (view.name, view.source_name, *_facts(view.vm), verdict, *told, str(machine.id), as_exported(told))


def _facts(vm: VmFacts | None) -> tuple[Cell | None, ...]:
    """Power, guest, vCPUs, memory and disks; what nobody read is said to be unknown."""
    if vm is None:
        return ("gone", None, None, None, None)
    disks = vm.disks if isinstance(vm.disks, Unknown) else [disk.capacity_bytes for disk in vm.disks]
    return (
        _shown(vm.power_state if isinstance(vm.power_state, Unknown) else vm.power_state.value),
        _shown(vm.guest_full_name),
        _shown(vm.vcpus),
        _gib([vm.memory_bytes]),
        _shown(disks) if isinstance(disks, Unknown) else _gib(disks),
    )


def _shown(value: Cell | Unknown) -> Cell:
    return "unknown" if isinstance(value, Unknown) else value


def _gib(sizes: Sequence[int | Unknown]) -> Cell:
    known = [size for size in sizes if not isinstance(size, Unknown)]
    return round(sum(known) / (1 << 30), 1) if len(known) == len(sizes) else "unknown"


def decided_texts(machine: Machine) -> tuple[str, str, str]:
    """What people said of a machine, as its cells show it."""
    return machine.disposition, machine.application.name if machine.application else "", machine.note


def _application_rows(project: Project) -> Iterator[Sequence[Cell | None]]:
    for row in inventory.applications(project).order_by("name"):
        told = application_texts(row)
        yield (*told[:3], None if row.rto_s is None else row.rto_s / 3600, *told[4:], as_exported(told))


def application_texts(row: Application) -> tuple[str, str, str, str, str, str]:
    """An application as its cells are compared; the RTO in hours, empty where nobody said."""
    rto = "" if row.rto_s is None else f"{row.rto_s / 3600:.15g}"
    needed = f"{SEPARATOR} ".join(sorted(each.name for each in row.depends_on.all()))
    return row.name, row.owner, row.criticality, rto, needed, row.note


def as_exported(told: Sequence[str]) -> str:
    """The cells a row had when it was written, for the hidden column."""
    return json.dumps(list(told), ensure_ascii=False)
