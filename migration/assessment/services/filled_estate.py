"""Taking the estate workbook back: every cell is checked and every fault told at once; then all of it is written, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO
from uuid import UUID

from django.db import transaction

from estate.errors import AskPerson
from estate.sheets import SMALL, Faults, FilledRow, filled_rows, open_workbook
from migration.assessment.services import estate_workbook as form
from migration.inventory import selectors as inventory
from migration.inventory.selectors import Application, Machine
from migration.inventory.services import applications
from migration.inventory.services.machines import DISPOSITIONS, LONGEST_NOTE, Decided, decide
from project.backbone.accounts.policy import Actor, Role
from project.backbone.models import Project
from project.backbone.problems import Invalid

CHANGES_SHOWN = 500
MACHINE_CELLS = (form.DISPOSITION, form.APPLICATION, form.NOTE, form.MACHINE_ID, form.AS_EXPORTED)
APPLICATION_CELLS = (form.NAME, form.OWNER, form.CRITICALITY, form.RTO, form.DEPENDS_ON, form.NOTE, form.AS_EXPORTED)


@dataclass(slots=True)
class Taken:
    """What the workbook changes, in words: (sheet, name, what)."""

    applications_added: int = 0
    applications_changed: int = 0
    machines_changed: int = 0
    changes: list[tuple[str, str, str]] = field(default_factory=list)

    def tell(self, sheet: str, name: str, what: str) -> None:
        if len(self.changes) < CHANGES_SHOWN:
            self.changes.append((sheet, name, what))


@dataclass(frozen=True, slots=True)
class _Wish:
    """What one row asks of an application; `present` is the one there is."""

    row: FilledRow
    name: str
    values: dict[str, Any]
    needed: tuple[str, ...]
    present: Application | None


def take(project: Project, content: BinaryIO, *, dry_run: bool, actor: Actor) -> Taken:
    """Write what people filled in; with `dry_run` only say what it would change.

    Raises: RoleTooLow (planner), NotVisible, Invalid with every cell that is wrong, or for a file that cannot be read.
    """
    actor.require(project, Role.PLANNER)
    faults, taken = Faults(), Taken()
    try:
        with transaction.atomic(), open_workbook(content, limits=SMALL) as workbook:
            wishes = list(_wishes(project, filled_rows(workbook, form.APPLICATIONS_SHEET, APPLICATION_CELLS, faults)))
            _write_applications(project, wishes, faults, taken, actor)
            decided = list(_decided(project, filled_rows(workbook, form.MACHINES_SHEET, MACHINE_CELLS, faults), taken))
            refuse(faults)
            taken.machines_changed = decide(project, decided, actor=actor)
            transaction.set_rollback(dry_run)
    except AskPerson as refused:
        raise unreadable(refused) from refused
    return taken


def unreadable(refused: AskPerson) -> Invalid:
    """A file that could not be read, as a problem of the request."""
    error = {"field": "file", "code": refused.code, "detail": f"{refused}: {refused.where}"}
    return Invalid(str(refused), errors=[error], next_step=refused.next_step)


def refuse(faults: Faults) -> None:
    """Pass when nothing is wrong. Raises: Invalid with every cell that is."""
    if faults.count:
        told = [{"field": each.place, "code": each.code, "detail": each.detail} for each in faults.kept]
        more = f" The first {len(told)} are listed." if faults.count > len(told) else ""
        raise Invalid(
            f"{faults.count} cells cannot be taken as they are; nothing was changed.{more}",
            errors=told,
            next_step="Correct these cells and send the workbook again.",
        )


def _wishes(project: Project, rows: Iterator[FilledRow]) -> Iterator[_Wish]:
    """The rows of applications that were touched or are new, each name once."""
    present = {row.name.casefold(): row for row in inventory.applications(project)}
    seen: set[str] = set()
    for row in rows:
        told = _application_cells(row)
        name = told[0]
        if not any(told):
            continue
        exported = _exported(row, len(told))
        known = present.get((exported[0] if exported else name).casefold())
        if name.casefold() in seen:
            row.fault(form.NAME, code="named_twice", detail=f"{name} stands here twice.")
        seen.add(name.casefold())
        if list(told) == exported and known is not None:
            continue
        if exported and (known is None or list(form.application_texts(known)) != exported):
            row.fault(form.NAME, code="changed_meanwhile", detail=f"{exported[0]} was changed since the workbook was made.")
            continue
        yield _Wish(row, name, _values(row, told), _names(told[4]), known)


def _application_cells(row: FilledRow) -> tuple[str, ...]:
    name, owner, criticality = row.text(form.NAME), row.text(form.OWNER), row.text(form.CRITICALITY).lower()
    needed = f"{applications.SEPARATOR} ".join(_names(row.text(form.DEPENDS_ON)))
    return name, owner, criticality, _hours(row), needed, row.text(form.NOTE)


def _hours(row: FilledRow) -> str:
    said = row.text(form.RTO).replace(",", ".")
    try:
        return f"{float(said):.15g}" if said else ""
    except ValueError:
        row.fault(form.RTO, code="cell_wrong_type", detail=f"{said[:40]!r} is no number of hours.")
        return ""


def _names(said: str) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in said.split(applications.SEPARATOR) if part.strip()}))


def _values(row: FilledRow, told: tuple[str, ...]) -> dict[str, Any]:
    name, owner, criticality, hours, _, note = told
    rto_s = round(float(hours) * 3600) if hours and abs(float(hours)) < 1e6 else -1 if hours else None
    values = {"name": name, "owner": owner, "criticality": criticality, "rto_s": rto_s, "note": note}
    headers = {
        "name": form.NAME, "owner": form.OWNER, "criticality": form.CRITICALITY, "rto_s": form.RTO, "note": form.NOTE,
    }  # fmt: skip
    for each in applications.objections_to(**values):
        row.fault(headers[each["field"]], code=each["code"], detail=each["detail"])
    return values


def _exported(row: FilledRow, cells: int) -> list[str]:
    """The hidden column; empty for a row that was not exported."""
    said = row.text(form.AS_EXPORTED)
    if not said:
        return []
    try:
        told = json.loads(said)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, list) or len(told) != cells or not all(isinstance(each, str) for each in told):
        row.fault(form.AS_EXPORTED, code="not_as_exported", detail="The hidden column was changed: export the workbook anew.")
        return []
    return told


def _write_applications(project: Project, wishes: list[_Wish], faults: Faults, taken: Taken, actor: Actor) -> None:
    """New and changed ones first, then who needs whom, since a new one may need another new one."""
    known = {row.name.casefold() for row in inventory.applications(project)} | {wish.name.casefold() for wish in wishes}
    for wish in wishes:
        for name in wish.needed:
            if name.casefold() not in known or name.casefold() == wish.name.casefold():
                said = "cannot depend on itself" if name.casefold() == wish.name.casefold() else f"there is no application {name}"
                wish.row.fault(form.DEPENDS_ON, code="does_not_exist", detail=f"{wish.name}: {said}.")
    if faults.count:
        return
    written = [(wish, _written(project, wish, taken, actor)) for wish in wishes]
    ids = {row.name.casefold(): row.id for row in inventory.applications(project)}
    for wish, row in written:
        applications.change_application(row, depends_on=[ids[name.casefold()] for name in wish.needed], actor=actor)


def _written(project: Project, wish: _Wish, taken: Taken, actor: Actor) -> Application:
    if wish.present is None:
        taken.applications_added += 1
        taken.tell(form.APPLICATIONS_SHEET, wish.name, "added")
        return applications.create_application(project, actor=actor, **wish.values)
    taken.applications_changed += 1
    taken.tell(form.APPLICATIONS_SHEET, wish.name, "changed")
    return applications.change_application(wish.present, actor=actor, **wish.values)


def _decided(project: Project, rows: Iterator[FilledRow], taken: Taken) -> Iterator[tuple[Machine, Decided]]:
    """The machines whose row was touched, with what it says of them now."""
    machines = {str(machine.id): machine for machine in inventory.machines(project)}
    named = {row.name.casefold(): row.id for row in inventory.applications(project)}
    seen: set[str] = set()
    for row in rows:
        machine = _machine_of(row, machines, seen)
        told = (row.text(form.DISPOSITION).lower(), row.text(form.APPLICATION), row.text(form.NOTE))
        exported = _exported(row, len(told))
        if machine is None or not exported or list(told) == exported:
            continue
        if list(form.decided_texts(machine)) != exported:
            row.fault(
                form.MACHINE_ID, code="changed_meanwhile", detail=f"{machine.name} was changed since the workbook was made."
            )
            continue
        wanted = _wanted(row, machine, told, named)
        taken.tell(form.MACHINES_SHEET, machine.name, f"{wanted.disposition}, {told[1] or 'no application'}")
        yield machine, wanted


def _machine_of(row: FilledRow, machines: dict[str, Machine], seen: set[str]) -> Machine | None:
    said = row.text(form.MACHINE_ID).lower()
    machine = machines.get(said)
    if machine is None:
        row.fault(form.MACHINE_ID, code="does_not_exist", detail=f"The project has no machine {said[:60]!r}.")
    elif said in seen:
        row.fault(form.MACHINE_ID, code="named_twice", detail=f"{machine.name} stands here twice.")
    elif not row.text(form.AS_EXPORTED):
        row.fault(form.AS_EXPORTED, code="not_as_exported", detail="The hidden column is empty: export the workbook anew.")
    seen.add(said)
    return machine


def _wanted(row: FilledRow, machine: Machine, told: tuple[str, str, str], named: dict[str, UUID]) -> Decided:
    disposition, application, note = told
    if disposition and disposition not in DISPOSITIONS:
        row.fault(form.DISPOSITION, code="invalid_choice", detail=f"One of {', '.join(DISPOSITIONS)}.")
    if application and application.casefold() not in named:
        row.fault(form.APPLICATION, code="does_not_exist", detail=f"There is no application {application[:60]}.")
    if len(note) > LONGEST_NOTE:
        row.fault(form.NOTE, code="max_length", detail=f"A note has at most {LONGEST_NOTE} characters.")
    wanted = Decided(disposition or machine.disposition, named.get(application.casefold()) if application else None, note)
    return wanted if disposition in ("", *DISPOSITIONS) else replace(wanted, disposition=machine.disposition)
