"""What people decide on machines: disposition, application, note. One at a time, or thousands at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from migration.inventory.models import Application, Disposition, Machine
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.models import Project
from project.backbone.problems import Invalid, PreconditionFailed

LONGEST_NOTE = 2000
DISPOSITIONS = tuple(Disposition.values)
AUDITED_AT_ONCE = 500
"""Machines in one entry of the audit log, so that no entry grows with the estate."""
_WRITE = """UPDATE inventory_machine SET disposition = %s, application_id = %s, note = %s, version = version + 1
WHERE id = %s AND version = %s"""


@dataclass(frozen=True, slots=True)
class Decided:
    """All that people say of one machine."""

    disposition: str
    application_id: UUID | None
    note: str

    @staticmethod
    def of(machine: Machine) -> Decided:
        return Decided(machine.disposition, machine.application_id, machine.note)


def change_machine(machine: Machine, *, actor: Actor, **changes: Any) -> Machine:
    """Set `disposition`, `application_id` or `note`.

    Raises: RoleTooLow (planner), NotVisible, Invalid, PreconditionFailed (412) on a lost race.
    """
    actor.require(machine.project_id, Role.PLANNER)
    decide(machine.project, [(machine, replace(Decided.of(machine), **changes))], actor=actor)
    machine.refresh_from_db(fields=["disposition", "application", "note", "version"])
    return machine


def change_machines(project: Project, machine_ids: Collection[UUID], *, actor: Actor, **changes: Any) -> int:
    """Set the same on all of these; how many were another before.

    Raises: RoleTooLow (planner), NotVisible, Invalid (also for a machine the project does not have), PreconditionFailed (412).
    """
    actor.require(project, Role.PLANNER)
    wanted = set(machine_ids)
    rows = [machine for machine in Machine.objects.filter(project=project).iterator() if machine.id in wanted]
    strangers = wanted - {machine.id for machine in rows}
    if strangers:
        _refuse("machines", "does_not_exist", f"The project has no machine {', '.join(sorted(map(str, strangers))[:5])}.")
    return decide(project, [(machine, replace(Decided.of(machine), **changes)) for machine in rows], actor=actor)


@transaction.atomic
def decide(project: Project, wanted: Iterable[tuple[Machine, Decided]], *, actor: Actor) -> int:
    """Write what people decided on machines of this project, all or nothing; how many it changed.

    Raises: RoleTooLow (planner), NotVisible, Invalid, PreconditionFailed (412) when one was changed since it was read.
    """
    actor.require(project, Role.PLANNER)
    changing = [(machine, decided) for machine, decided in wanted if Decided.of(machine) != decided]
    _check(project, {decided for _, decided in changing})
    _write(changing)
    for first in range(0, len(changing), AUDITED_AT_ONCE):
        _audit(project, changing[first : first + AUDITED_AT_ONCE], actor)
    return len(changing)


def _check(project: Project, wanted: Collection[Decided]) -> None:
    known = set(Application.objects.filter(project=project).values_list("id", flat=True))
    for decided in wanted:
        if decided.disposition not in Disposition.values:
            said = f"{decided.disposition[:50]!r} is no disposition: {', '.join(Disposition.values)}."
            _refuse("disposition", "invalid_choice", said)
        if decided.application_id is not None and decided.application_id not in known:
            _refuse("application", "does_not_exist", f"The project has no application {decided.application_id}.")
        if len(decided.note) > LONGEST_NOTE or "\0" in decided.note:
            _refuse("note", "invalid", f"A note has at most {LONGEST_NOTE} characters, none of them NUL.")


def _refuse(field: str, code: str, detail: str) -> None:
    raise Invalid(detail, errors=[{"field": field, "code": code, "detail": detail}])


def _write(changing: Sequence[tuple[Machine, Decided]]) -> None:
    """Each row only if nobody changed it since it was read."""
    key = Machine._meta.pk.get_db_prep_value
    rows = [
        (to.disposition, key(to.application_id, connection), to.note, key(machine.id, connection), machine.version)
        for machine, to in changing
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE, rows)
        if cursor.rowcount != len(rows):
            raise PreconditionFailed("Somebody else changed a machine meanwhile.", next_step="Read them again, then decide.")


def _audit(project: Project, chunk: Sequence[tuple[Machine, Decided]], actor: Actor) -> None:
    """One machine by itself, or many by their ids: what was another before, and what it is now."""
    told = {str(machine.id): _difference(Decided.of(machine), to) for machine, to in chunk}
    before, after = ({machine: pair[side] for machine, pair in told.items()} for side in (0, 1))
    if len(chunk) == 1:
        ((machine, _),) = chunk
        record(actor, "machine.changed", machine, project=project, before=before[str(machine.id)], after=after[str(machine.id)])
    else:
        record(actor, "machines.changed", f"{len(chunk)} machines", project=project, before=before, after=after)


def _difference(old: Decided, new: Decided) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = asdict(old), asdict(new)
    changed = [field for field in before if before[field] != after[field]]
    return {field: before[field] for field in changed}, {field: after[field] for field in changed}
