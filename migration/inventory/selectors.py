"""Reading the inventory: sources, complete inventories, facts as frozen values, machines with their latest facts.

Other apps read inventories through these functions alone. Each costs a constant number of queries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from estate.facts.source import NetworkFacts, PowerState, VmFacts
from estate.facts.unknown import Unknown
from migration.inventory.core.blobs import fact_of
from migration.inventory.core.diff import InventoryDiff, Key, Pointer, diff
from migration.inventory.core.kinds import FactKind
from migration.inventory.core.states import InventoryState
from migration.inventory.models import FactBlob, InventoryEntry, Sighting, Source
from migration.inventory.models import Inventory as Inventory  # other apps know these two rows by this door
from migration.inventory.models import Machine as Machine
from project.backbone.models import Project
from project.backbone.problems import Conflict, NotVisible


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
    vm: VmFacts | None
    inventory_id: UUID | None
    collected_at: datetime | None


def sources(project: Project) -> QuerySet[Source]:
    return Source.objects.filter(project=project).select_related("endpoint", "project", "latest")


def source(source_id: UUID | str) -> Source:
    """One source by id, for jobs. Raises: NotVisible."""
    found = Source.objects.select_related("endpoint", "project").filter(pk=source_id).first()
    if found is None:
        raise NotVisible("source")
    return found


def inventory(inventory_id: UUID | str) -> Inventory:
    """One inventory by id, for jobs. Raises: NotVisible."""
    found = Inventory.objects.select_related("project", "source__endpoint").filter(pk=inventory_id).first()
    if found is None:
        raise NotVisible("inventory")
    return found


def latest_inventories(project: Project) -> list[Inventory]:
    """The newest complete inventory of each source."""
    return list(
        Inventory.objects.filter(latest_of__project=project).select_related("project", "source").order_by("created_at", "id")
    )


def machines(project: Project) -> QuerySet[Machine]:
    return Machine.objects.filter(project=project).select_related("source__endpoint", "source__latest")


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


def vms(inventory: Inventory) -> list[VmFacts]:
    """Every VM of an inventory, by name."""
    rows = entries(inventory, FactKind.VM).values_list("blob__body", "volatile")
    return [vm for body, volatile in rows if isinstance(vm := fact_of(FactKind.VM, body, volatile), VmFacts)]


def networks(project: Project) -> list[NetworkFacts]:
    """Every network of the project's latest inventories."""
    found = (facts_of(entry) for latest in latest_inventories(project) for entry in entries(latest, FactKind.NETWORK))
    return [network for network in found if isinstance(network, NetworkFacts)]


def entries(inventory: Inventory, kind: FactKind) -> QuerySet[InventoryEntry]:
    """The inventory's objects of one kind. Raises: Conflict `inventory_not_complete` (409)."""
    require_complete(inventory)
    return InventoryEntry.objects.filter(inventory=inventory, kind=kind.value).select_related("blob")


def require_complete(inventory: Inventory) -> None:
    """Pass for a complete inventory. Raises: Conflict `inventory_not_complete` (409)."""
    if inventory.state != InventoryState.COMPLETE:
        raise Conflict(
            f"This inventory is {inventory.state}; only a complete one can be read.",
            code="inventory_not_complete",
            next_step="Wait for its job, or collect the source again.",
        )


def facts_of(entry: InventoryEntry) -> object:
    """The facts object an entry points to."""
    return fact_of(FactKind(entry.kind), entry.blob.body, entry.volatile)


def network_names(inventory_id: UUID) -> dict[str, str]:
    """Native id to name, of the networks of one inventory."""
    return _names(inventory_id, FactKind.NETWORK)


def datastore_names(inventory_id: UUID) -> dict[str, str]:
    """Native id to name, of the datastores of one inventory."""
    return _names(inventory_id, FactKind.DATASTORE)


def _names(inventory_id: UUID, kind: FactKind) -> dict[str, str]:
    rows = InventoryEntry.objects.filter(inventory_id=inventory_id, kind=kind.value)
    return dict(rows.values_list("native_id", "name"))


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
        vm=vm,
        inventory_id=latest.id if latest else None,
        collected_at=latest.collected_at if latest else None,
    )


def inventory_diff(old: Inventory, new: Inventory) -> tuple[InventoryDiff, Mapping[Key, Pointer], Mapping[Key, Pointer]]:
    """What changed from `old` to `new`, with both sides' pointers. Raises: Conflict `other_source` (409) across sources."""
    require_complete(old)
    require_complete(new)
    if old.source_id != new.source_id:
        raise Conflict(
            "The two inventories are of different sources.", code="other_source", next_step="Compare within one source."
        )
    before, after = _pointers(old), _pointers(new)
    return diff(before, after), before, after


def _pointers(inventory: Inventory) -> dict[Key, Pointer]:
    rows = inventory.entries.order_by().values_list("kind", "native_id", "name", "blob_id")
    return {(FactKind(kind), native_id): Pointer(name, digest) for kind, native_id, name, digest in rows}


def bodies(digests: Iterable[str]) -> dict[str, dict[str, object]]:
    """Lasting facts by address, for showing what changed inside."""
    rows = FactBlob.objects.filter(digest__in=set(digests))
    return dict(rows.values_list("digest", "body"))
