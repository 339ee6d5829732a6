"""Reading machines by their stable identity, with their latest facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from estate.facts.source import PowerState, VmFacts
from estate.facts.unknown import Unknown
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import Inventory, InventoryEntry, Machine, Sighting
from migration.inventory.selectors.inventories import facts_of
from project.backbone.models import Project


@dataclass(frozen=True, slots=True)
class MachineView:
    """A machine with its latest facts; `vm` is None when the newest inventory of its source does not hold it.

    `endpoint_id` is None for a machine that only files tell of.
    """

    id: UUID
    name: str
    source_id: UUID
    endpoint_id: UUID | None
    source_name: str
    native_id: str
    disposition: str
    application_id: UUID | None
    application_name: str
    note: str
    version: int
    vm: VmFacts | None
    inventory_id: UUID | None
    collected_at: datetime | None


def machines(project: Project) -> QuerySet[Machine]:
    return Machine.objects.filter(project=project).select_related("source__endpoint", "source__latest", "application")


def in_power_state(rows: QuerySet[Machine], state: PowerState | Unknown) -> QuerySet[Machine]:
    """Those of these machines that their source's latest inventory saw in this power state, or did not see in any."""
    seen = InventoryEntry.objects.filter(
        inventory_id=OuterRef("source__latest_id"), kind=FactKind.VM.value, native_id=OuterRef("native_id")
    )
    if isinstance(state, Unknown):
        return rows.exclude(Exists(seen.filter(blob__body__power_state__in=[known.value for known in PowerState])))
    return rows.filter(Exists(seen.filter(blob__body__power_state=state.value)))


def machine_ids(inventory: Inventory) -> dict[str, UUID]:
    """Native id to machine id, of every machine the inventory's source ever held."""
    rows = Sighting.objects.filter(source_id=inventory.source_id).order_by().values_list("native_id", "machine_id")
    return dict(rows)


def machine_ids_held(project: Project, inventory_ids: Collection[UUID]) -> set[UUID]:
    """Ids of the project's machines that any of these inventories holds. One query."""
    holding = InventoryEntry.objects.filter(
        inventory_id__in=inventory_ids,
        kind=FactKind.VM.value,
        native_id=OuterRef("native_id"),
        inventory__source_id=OuterRef("source_id"),
    )
    seen = Sighting.objects.filter(Exists(holding), machine__project=project).order_by()
    return set(seen.values_list("machine_id", flat=True))


def machine_views(rows: Iterable[Machine]) -> list[MachineView]:
    """Machines with their latest facts, in the order given. One query; the rows must come from `machines`."""
    rows = list(rows)
    found = _latest_entries(rows)
    return [_view(machine, found.get((machine.source_id, machine.native_id))) for machine in rows]


def _latest_entries(rows: list[Machine]) -> dict[tuple[UUID, str], InventoryEntry]:
    held = InventoryEntry.objects.filter(
        inventory_id__in={machine.source.latest_id for machine in rows if machine.source.latest_id},
        kind=FactKind.VM.value,
        native_id__in={machine.native_id for machine in rows},
    ).select_related("blob", "inventory")
    return {(entry.inventory.source_id, entry.native_id): entry for entry in held}


def _view(machine: Machine, entry: InventoryEntry | None) -> MachineView:
    vm = facts_of(entry) if entry is not None else None
    assert vm is None or isinstance(vm, VmFacts)
    latest = machine.source.latest
    return MachineView(
        id=machine.id,
        name=machine.name,
        source_id=machine.source_id,
        endpoint_id=machine.source.endpoint_id,
        source_name=str(machine.source),
        native_id=machine.native_id,
        disposition=machine.disposition,
        application_id=machine.application_id,
        application_name=machine.application.name if machine.application else "",
        note=machine.note,
        version=machine.version,
        vm=vm,
        inventory_id=latest.id if latest else None,
        collected_at=latest.collected_at if latest else None,
    )
