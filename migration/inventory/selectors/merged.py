"""Machines as all their sources together tell of them: computed when asked, kept nowhere.

A machine is read by the newest inventory of every source that sighted it. Who acts on it is its own row's source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from estate.facts.codec import from_json
from estate.facts.source import SourceAbout, VmFacts
from migration.inventory.core.blobs import fact_of
from migration.inventory.core.disagreement import disagreements
from migration.inventory.core.kinds import FactKind
from migration.inventory.core.merge import Origin, Telling, merge
from migration.inventory.models import Inventory, InventoryEntry, Machine, MadeBy, Sighting, Source
from migration.inventory.selectors.inventories import vms
from project.backbone.clock import now


@dataclass(frozen=True, slots=True)
class SeenBy:
    """One source that tells of a machine; `at` is when that was true, as far as the source says."""

    source_id: UUID
    source_name: str
    kind: str
    native_id: str
    inventory_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class MergedVm:
    """A machine with its merged facts. `provenance` is empty when one source alone tells of it; see core.merge."""

    machine_id: UUID
    vm: VmFacts
    provenance: Mapping[str, Origin] = field(default_factory=dict)
    disagreements: tuple[str, ...] = ()


def true_at(inventory: Inventory) -> datetime:
    """When an inventory's facts were true: a workbook is older than its upload."""
    taken_at = from_json(inventory.about, SourceAbout).taken_at if inventory.about else None
    return taken_at if isinstance(taken_at, datetime) else inventory.collected_at or now()


def merged_vms(inventory: Inventory, own: Sequence[VmFacts] | None = None) -> list[MergedVm]:
    """The machines that are acted on through this inventory's source and that it holds, by name. Five queries, six after a watch.

    `own` are its VMs where they were read already. What other sources say is merged in only while this is the source's newest
    inventory: an older one stands for itself.
    """
    acted_on = dict(Machine.objects.filter(source_id=inventory.source_id).order_by().values_list("native_id", "id"))
    held = vms(inventory) if own is None else own
    mine = [(machine, vm) for vm in held if (machine := acted_on.get(vm.native_id))]
    others = _told_elsewhere(inventory) if inventory.source.latest_id == inventory.id else {}
    if not others:
        return [MergedVm(machine, vm) for machine, vm in mine]
    at, read_at = true_at(inventory), _read_before(inventory)
    return [
        _merged(machine, Telling(inventory.source_id, read_at.get(vm.native_id, at), vm), others.get(machine, []))
        for machine, vm in mine
    ]


def _read_before(inventory: Inventory) -> dict[str, datetime]:
    """When those of its VMs were read that a watch took over from an earlier inventory."""
    if inventory.made_by != MadeBy.WATCH:
        return {}
    kept = InventoryEntry.objects.filter(inventory=inventory, kind=FactKind.VM.value, read_at__isnull=False)
    return {native_id: at for native_id, at in kept.order_by().values_list("native_id", "read_at") if at}


def vm_of(body: str, volatile: str) -> VmFacts:
    """The VM of an entry's stored parts."""
    vm = fact_of(FactKind.VM, body, volatile)
    assert isinstance(vm, VmFacts)
    return vm


def _merged(machine: UUID, acting: Telling, others: list[Telling]) -> MergedVm:
    if not others:
        return MergedVm(machine, acting.vm)
    merged = merge(acting, others)
    return MergedVm(machine, merged.vm, merged.provenance, disagreements(acting, others))


def _told_elsewhere(inventory: Inventory) -> dict[UUID, list[Telling]]:
    """What other sources' newest inventories say of the machines acted on here, by machine."""
    sightings = Sighting.objects.filter(machine__source_id=inventory.source_id, source__latest__isnull=False)
    sightings = sightings.exclude(source_id=inventory.source_id).order_by()
    machines = {
        (source, native): machine for source, native, machine in sightings.values_list("source_id", "native_id", "machine_id")
    }
    mine = sightings.filter(source_id=OuterRef("inventory__source_id"), native_id=OuterRef("native_id"))
    held = InventoryEntry.objects.filter(inventory__latest_of__isnull=False, kind=FactKind.VM.value).filter(Exists(mine))
    found: dict[UUID, list[Telling]] = {}
    told_by = Inventory.objects.filter(latest_of__project_id=inventory.project_id).in_bulk()
    for _inventory_id, native_id, telling in _tellings(held, told_by):
        found.setdefault(machines[telling.source_id, native_id], []).append(telling)
    return found


def _tellings(entries: QuerySet[InventoryEntry], told_by: Mapping[UUID, Inventory]) -> Iterator[tuple[UUID, str, Telling]]:
    """(inventory, native id, what it tells) of each entry of these inventories. One query."""
    rows = list(entries.order_by().values_list("inventory_id", "native_id", "blob__body", "volatile", "read_at"))
    times = {inventory_id: true_at(inventory) for inventory_id, inventory in told_by.items()}
    for inventory_id, native_id, body, volatile, read_at in rows:
        at = read_at or times[inventory_id]
        yield inventory_id, native_id, Telling(told_by[inventory_id].source_id, at, vm_of(body, volatile))


def seen_by(machines: Iterable[Machine]) -> dict[UUID, list[tuple[SeenBy, Telling]]]:
    """Who tells what of these machines, whoever acts on them first. Three queries."""
    rows = {machine.id: machine for machine in machines}
    sightings = Sighting.objects.filter(machine_id__in=rows, source__latest__isnull=False).order_by()
    seen = {
        (source, native): machine for machine, source, native in sightings.values_list("machine_id", "source_id", "native_id")
    }
    sources = _named({source for source, _ in seen})
    told_by = {source.latest.id: source.latest for source in sources.values() if source.latest is not None}
    held = InventoryEntry.objects.filter(
        inventory_id__in=list(told_by),
        kind=FactKind.VM.value,
        native_id__in={native_id for _, native_id in seen},
    )
    found: dict[UUID, list[tuple[SeenBy, Telling]]] = {}
    for inventory_id, native_id, telling in _tellings(held, told_by):
        machine = seen.get((telling.source_id, native_id))
        if machine is not None:
            source = sources[telling.source_id]
            who = SeenBy(source.id, str(source), source.kind, native_id, inventory_id, telling.at)
            found.setdefault(machine, []).append((who, telling))
    for machine_id, told in found.items():
        told.sort(key=lambda pair: (pair[0].source_id != rows[machine_id].source_id, pair[0].source_name))
    return found


def _named(source_ids: Collection[UUID]) -> dict[UUID, Source]:
    """Sources with what names them and the inventory that speaks for them."""
    rows = Source.objects.filter(id__in=source_ids).select_related("endpoint", "latest")
    named = ("kind", "name", "endpoint__name", "latest__source_id", "latest__about", "latest__collected_at")
    return {source.id: source for source in rows.only(*named)}
