"""Through which source a machine is acted on: whoever manages it best. A VM that lost its moref to another one makes way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from migration.inventory.core.identity import Decision, Same, Sighted
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import IdentityQuestion, Inventory, InventoryEntry, Machine, Sighting, Source, SourceKind

ROWS_AT_ONCE = 500
# Who is acted on when several sources show a machine: the one that manages it, then its host, then files.
_ACTING_ORDER = (SourceKind.VCENTER, SourceKind.ESXI, SourceKind.OVA, SourceKind.RVTOOLS)


def rank(source: Source) -> int:
    """Lower manages a machine better."""
    return _ACTING_ORDER.index(SourceKind(source.kind))


def sighted(row: Sighting) -> Sighted:
    """What core.identity needs of a sighting."""
    ids = tuple(row.hardware_ids.split())
    return Sighted(row.machine_id, row.source_id, row.vcenter, row.native_id, row.instance_uuid, ids)


def act_through_one_of(machine: Machine, sightings: Iterable[Sighting]) -> None:
    """Whoever manages the machine best acts on it, and who does so already before others; name and ids are as told there."""
    best = min(
        sightings,
        key=lambda seen: (
            sighted(seen).is_superseded,
            rank(seen.source),
            seen.source_id != machine.source_id,
            seen.native_id,
        ),
    )
    machine.source, machine.native_id = best.source, best.native_id
    machine.instance_uuid, machine.name = best.instance_uuid, name_at(best.source, best.native_id) or machine.name
    machine.save(update_fields=["source", "native_id", "instance_uuid", "name"])


def name_at(source: Source, native_id: str) -> str:
    """The VM's name in the source's newest inventory; empty when that does not hold it."""
    held = InventoryEntry.objects.filter(inventory__latest_of=source, kind=FactKind.VM.value, native_id=native_id)
    return held.values_list("name", flat=True).first() or ""


def make_way(inventory: Inventory, decisions: Mapping[str, Decision], known: Iterable[Sighted]) -> None:
    """Free the morefs that the source gives to other VMs now; machines found again under another moref follow it.

    A machine whose moref is another's now is kept under its old vCenter's name: nothing acts on it through this source.
    """
    own = [row for row in known if row.source_id == inventory.source_id]
    followed = {decision.machine_id: native_id for native_id, decision in decisions.items() if isinstance(decision, Same)}
    lost = [row for row in own if row.native_id in decisions and decisions[row.native_id] != Same(row.machine_id)]
    names = {row.native_id: row.superseded for row in lost}
    _rename(Machine.objects.filter(source_id=inventory.source_id), names)
    _rename(Sighting.objects.filter(source_id=inventory.source_id), names)
    _rename(IdentityQuestion.objects.filter(source_id=inventory.source_id), names)
    left = {row for row in own if followed.get(row.machine_id, row.native_id) != row.native_id}
    gone = [row.superseded if row in lost else row.native_id for row in left]
    Sighting.objects.filter(source_id=inventory.source_id, native_id__in=gone).delete()
    machines = {machine.id: machine for machine in Machine.objects.filter(id__in={row.machine_id for row in left})}
    moving = [machine for machine in machines.values() if machine.source_id == inventory.source_id]
    for machine in moving:
        machine.native_id = followed[machine.id]
    Machine.objects.bulk_update(moving, ["native_id"], batch_size=ROWS_AT_ONCE)
    _act_elsewhere(inventory, {row.machine_id for row in lost} - followed.keys())


def _rename(rows: QuerySet[Any], names: Mapping[str, str]) -> None:
    if not names:
        return
    found = [row for row in rows if row.native_id in names]
    for row in found:
        row.native_id = names[row.native_id]
    rows.bulk_update(found, ["native_id"], batch_size=ROWS_AT_ONCE)


def _act_elsewhere(inventory: Inventory, machine_ids: Iterable[UUID]) -> None:
    """Machines that this source lost are acted on through another one that still shows them."""
    rows = Machine.objects.filter(id__in=list(machine_ids), source_id=inventory.source_id)
    for machine in rows.filter(sightings__in=Sighting.objects.exclude(source_id=inventory.source_id)).distinct():
        act_through_one_of(machine, machine.sightings.select_related("source__endpoint"))
