"""Applications: create, change, delete. Cycles of dependencies are real and allowed; a dependency on oneself says nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from migration.inventory.models import Application, Criticality
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.models import Project
from project.backbone.problems import Conflict, Invalid, PreconditionFailed

T = TypeVar("T")
VALUES = ("name", "owner", "criticality", "rto_s", "note")
LONGEST_RTO_S = 366 * 24 * 3600
CRITICALITIES = tuple(Criticality.values)
SEPARATOR = ";"
"""What stands between names where several are written in one cell; no name holds it."""


@transaction.atomic
def create_application(project: Project, *, depends_on: Collection[UUID] = (), actor: Actor, **values: Any) -> Application:
    """A new application. Raises: RoleTooLow (planner), NotVisible, Invalid, Conflict `name_taken` (409)."""
    actor.require(project, Role.PLANNER)
    row = Application(project=project, **_cleaned(values))
    _refuse([*objections(row), *_strangers(project, depends_on)])
    _unique(row.name, lambda: row.save(force_insert=True))
    row.depends_on.set(Application.objects.filter(id__in=depends_on))
    record(actor, "application.created", row, project=project, after=_public(row, depends_on))
    return row


@transaction.atomic
def change_application(
    row: Application, *, depends_on: Collection[UUID] | None = None, actor: Actor, **changes: Any
) -> Application:
    """Replace what is given; `depends_on` as a whole.

    Raises: RoleTooLow (planner), NotVisible, Invalid, Conflict `name_taken` (409), PreconditionFailed (412) on a lost race.
    """
    actor.require(row.project_id, Role.PLANNER)
    was, version = _needed(row), row.version
    needed = was if depends_on is None else set(depends_on)
    before = _public(row, was)
    for field, value in _cleaned(changes).items():
        setattr(row, field, value)
    _refuse([*objections(row), *_strangers(row.project, needed), *_itself(row, needed)])
    after = _public(row, needed)
    if after == before:
        return row
    present = Application.objects.filter(pk=row.pk, version=version)
    written = {field: getattr(row, field) for field in VALUES}
    if not _unique(row.name, lambda: present.update(**written, version=F("version") + 1)):
        raise PreconditionFailed("Somebody else changed the application meanwhile.", next_step="Read it again, then decide.")
    row.depends_on.set(Application.objects.filter(id__in=needed))
    row.refresh_from_db()
    record(actor, "application.changed", row, project=row.project, before=before, after=after)
    return row


@transaction.atomic
def delete_application(row: Application, *, actor: Actor) -> None:
    """Delete it. Its machines then have no application, and what needed it needs it no more; the audit log names them.

    Raises: RoleTooLow (planner), NotVisible, PreconditionFailed (412) on a lost race.
    """
    actor.require(row.project_id, Role.PLANNER)
    before = _public(row, _needed(row))
    before["machines"] = [str(machine) for machine in row.machines.values_list("id", flat=True)]
    before["needed_by"] = [str(other) for other in row.needed_by.values_list("id", flat=True)]
    row.machines.update(application=None, version=F("version") + 1)
    deleted, _ = Application.objects.filter(pk=row.pk, version=row.version).delete()
    if not deleted:
        raise PreconditionFailed("Somebody else changed the application meanwhile.", next_step="Read it again, then decide.")
    record(actor, "application.deleted", row, project=row.project, before=before)


def objections(row: Application) -> Iterator[dict[str, str]]:
    """What is wrong with the values of an application, field by field; whether the name is taken is the database's to say."""
    if not row.name:
        yield _error("name", code="required", detail="An application needs a name.")
    elif SEPARATOR in row.name or any(unicodedata.category(letter) == "Cc" for letter in row.name):
        yield _error(
            "name", code="invalid", detail="A name has no semicolon and no line break: lists of names are separated by them."
        )
    for field, most in (("name", 200), ("owner", 200), ("note", 2000)):
        if len(getattr(row, field)) > most or "\0" in getattr(row, field):
            yield _error(field, code="invalid", detail=f"{field} has at most {most} characters, none of them NUL.")
    if row.criticality and row.criticality not in Criticality.values:
        yield _error(
            "criticality", code="invalid_choice", detail=f"Criticality is one of {', '.join(Criticality.values)}, or empty."
        )
    if row.rto_s is not None and not 0 <= row.rto_s <= LONGEST_RTO_S:
        yield _error("rto_s", code="out_of_range", detail="A recovery time objective is from 0 seconds to 366 days.")


def objections_to(**values: Any) -> Iterator[dict[str, str]]:
    """What would be wrong with an application of these values."""
    return objections(Application(**values))


def _cleaned(values: dict[str, Any]) -> dict[str, Any]:
    return {field: value.strip() if isinstance(value, str) else value for field, value in values.items()}


def _needed(row: Application) -> set[UUID]:
    return set(row.depends_on.order_by().values_list("id", flat=True))


def _strangers(project: Project, wanted: Collection[UUID]) -> Iterator[dict[str, str]]:
    known = set(Application.objects.filter(project=project, id__in=wanted).values_list("id", flat=True))
    strangers = sorted(str(each) for each in wanted if each not in known)
    if strangers:
        yield _error("depends_on", code="does_not_exist", detail=f"The project has no application {', '.join(strangers[:5])}.")


def _itself(row: Application, wanted: Collection[UUID]) -> Iterator[dict[str, str]]:
    if row.pk in wanted:
        yield _error("depends_on", code="depends_on_itself", detail=f"{row.name} cannot depend on itself.")


def _error(field: str, *, code: str, detail: str) -> dict[str, str]:
    return {"field": field, "code": code, "detail": detail}


def _refuse(errors: list[dict[str, str]]) -> None:
    if errors:
        raise Invalid("The application cannot be like this.", errors=errors, next_step="Correct the listed fields.")


def _unique(name: str, save: Callable[[], T]) -> T:
    try:
        with transaction.atomic():
            return save()
    except IntegrityError:
        raise Conflict(
            f"The project already has an application named {name}.", code="name_taken", next_step="Give it another name."
        ) from None


def _public(row: Application, depends_on: Collection[UUID]) -> dict[str, Any]:
    return {field: getattr(row, field) for field in VALUES} | {"depends_on": sorted(map(str, depends_on))}
