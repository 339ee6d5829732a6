"""Mappings: create and edit them, and ask what they lack or what could stand in. Every edit counts up the version."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.assessment.services import aiming
from migration.inventory import selectors as inventories
from migration.planning import selectors
from migration.planning.core.gaps import Gap, gaps
from migration.planning.core.mapping import ANY, table_from
from migration.planning.core.suggest import Suggestion, suggest
from migration.planning.core.waves import Candidate
from migration.planning.models import Mapping
from migration.planning.services.candidates import candidates, target_of
from project.backbone.accounts.policy import Actor, Role
from project.backbone.audit.services import record
from project.backbone.models import Project
from project.backbone.problems import Conflict, Invalid, PreconditionFailed
from readiness.selectors import pools as readiness

TABLES = ("networks", "datastores", "templates", "overrides")
EDITABLE = ("name", "pool_id", "ha_restart_priority", *TABLES)


def create_mapping(project: Project, *, actor: Actor, **values: Any) -> Mapping:
    """A new mapping. Raises: RoleTooLow (planner), NotVisible (pool), Conflict `name_taken` (409)."""
    actor.require(project, Role.PLANNER)
    _check_pool(project, values.get("pool_id"))
    row = Mapping(project=project, **values)
    with transaction.atomic():
        _unique(row.name, lambda: row.save(force_insert=True))
        record(actor, "mapping.created", row, project=project, after=_public(row))
        _aim(row, actor)
    return row


def change_mapping(row: Mapping, *, actor: Actor, **changes: Any) -> Mapping:
    """Replace what is given. Plans made before keep the table they were made with.

    Raises: RoleTooLow (planner), NotVisible (pool), Conflict `name_taken` (409), PreconditionFailed (412) on a lost race.
    """
    actor.require(row.project_id, Role.PLANNER)
    _check_pool(row.project, changes.get("pool_id"))
    before = _public(row)
    unchanged = Mapping.objects.filter(pk=row.pk, version=row.version)
    with transaction.atomic():
        if not _unique(changes.get("name", row.name), lambda: unchanged.update(**changes, version=row.version + 1)):
            raise PreconditionFailed("The mapping was edited meanwhile.", next_step="Read it again and repeat your change.")
        row.refresh_from_db()
        record(actor, "mapping.changed", row, project=row.project, before=before, after=_public(row))
        _aim(row, actor)
    return row


def _aim(row: Mapping, actor: Actor) -> None:
    """Rules on networks, SRs and templates ask for what the newest mapping says."""
    aiming.set_target(
        row.project, pool_id=row.pool_id, networks=row.networks, srs=row.datastores, templates=row.templates, actor=actor
    )


def gaps_of(row: Mapping, *, pool_id: UUID | None, actor: Actor) -> tuple[Gap, ...]:
    """What the mapping lacks for the machines that shall move. Raises: NotVisible, Invalid (no pool), Conflict (no facts)."""
    actor.require(row.project_id, Role.VIEWER)
    pool = readiness.latest_facts(_pool_id(row, pool_id))
    return gaps(candidates(row.project), table_from(selectors.mapping_values(row)), target_of(row.project, pool))


def suggestion_for(row: Mapping, *, pool_id: UUID | None, actor: Actor) -> Suggestion:
    """Proposed targets for what the machines that shall move use. Raises: as `gaps_of`."""
    actor.require(row.project_id, Role.VIEWER)
    pool = readiness.latest_facts(_pool_id(row, pool_id))
    moving = [candidate for candidate in candidates(row.project) if candidate.disposition == "migrate"]
    used = {network for candidate in moving for network in _network_ids(candidate.vm)}
    networks = [network for network in inventories.networks(row.project) if network.native_id in used]
    guests = [c.vm.guest_id for c in moving if c.vm is not None and not isinstance(c.vm.guest_id, Unknown)]
    stores = [name for candidate in moving for name in _datastore_names(candidate)]
    return suggest(networks, stores, guests, pool, selectors.guest_table())


def _network_ids(vm: VmFacts | None) -> list[str]:
    if vm is None or isinstance(vm.nics, Unknown):
        return []
    return [nic.network_id for nic in vm.nics if not isinstance(nic.network_id, Unknown)]


def _datastore_names(candidate: Candidate) -> list[str]:
    vm = candidate.vm
    if vm is None or isinstance(vm.disks, Unknown):
        return []
    if candidate.in_package:
        return [ANY] if vm.disks else []
    ids = [disk.datastore_id for disk in vm.disks if not isinstance(disk.datastore_id, Unknown | None)]
    return [candidate.names.datastores[store] for store in ids if store in candidate.names.datastores]


def _pool_id(row: Mapping, asked: UUID | None) -> UUID:
    pool_id = asked or row.pool_id
    if pool_id is None:
        detail = "Name the pool to map to."
        errors = [{"field": "pool", "code": "required", "detail": detail}]
        raise Invalid(detail, errors=errors, next_step="Set `pool` on the mapping, or ask with ?pool=<id>.")
    return readiness.pool_of_project(row.project, pool_id).id


def _check_pool(project: Project, pool_id: UUID | None) -> None:
    if pool_id is not None:
        readiness.pool_of_project(project, pool_id)


def _unique(name: str, save: Any) -> Any:
    try:
        with transaction.atomic():
            return save()
    except IntegrityError:
        raise Conflict(
            f"The project already has a mapping named {name}.", code="name_taken", next_step="Give it another name."
        ) from None


def _public(row: Mapping) -> dict[str, Any]:
    return {name: getattr(row, name) for name in EDITABLE} | {"version": row.version}
