"""Giving every VM of an inventory its machine: known ones again by core.identity, the others new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from estate.facts.source import VmFacts
from estate.facts.unknown import Unknown
from migration.inventory.core.identity import Decision, Fresh, Same, Seen, Sighted, identify
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import IdentityQuestion, Inventory, InventoryEntry, Machine, Sighting, Source
from migration.inventory.services import storing
from migration.inventory.services.acting import make_way, rank

ROWS_PER_INSERT = 500
# What many machines have, or none really has: no reason to ask anybody.
_NOBODYS = frozenset({"", "00:00:00:00:00:00", "00000000-0000-0000-0000-000000000000"})


def seen_vm(vm: VmFacts) -> Seen:
    """What a machine's identity keeps of a VM."""
    return Seen(
        native_id=vm.native_id,
        name=vm.name,
        instance_uuid="" if isinstance(vm.instance_uuid, Unknown) else vm.instance_uuid,
        disk_count=0 if isinstance(vm.disks, Unknown) else len(vm.disks),
        hardware_ids=tuple(sorted(set(_hardware_ids(vm)) - _NOBODYS)),
    )


def _hardware_ids(vm: VmFacts) -> Iterator[str]:
    if not isinstance(vm.bios_uuid, Unknown):
        yield vm.bios_uuid.lower()
    for nic in () if isinstance(vm.nics, Unknown) else vm.nics:
        if isinstance(nic.mac_address, str):
            yield nic.mac_address.lower()


def still_seen(inventory: Inventory, seen_at: datetime) -> None:
    """Every VM the inventory holds was seen at this time, those too that nobody read again because nothing had changed."""
    held = InventoryEntry.objects.filter(inventory=inventory, kind=FactKind.VM.value).values("native_id")
    Sighting.objects.filter(source_id=inventory.source_id, native_id__in=held).update(last_seen_at=seen_at)
    Machine.objects.filter(source_id=inventory.source_id, native_id__in=held).update(last_seen_at=seen_at)


def remember(inventory: Inventory, vms: Mapping[str, Seen], *, vcenter: str, seen_at: datetime) -> None:
    """Make or update the machines of these VMs, and where they were seen. `vcenter` is the source's own UUID, if it is one."""
    known = _sighted(inventory)
    decisions = identify(vms.values(), source_id=inventory.source_id, vcenter=vcenter, sighted=known)
    make_way(inventory, decisions, known)
    elsewhere = _acted_on_elsewhere(inventory.source, decisions)
    storing.put_machines(inventory, [vm for vm in vms.values() if vm.native_id not in elsewhere], seen_at)
    rows = Machine.objects.filter(source_id=inventory.source_id).values_list("native_id", "id")
    mine = {**dict(rows), **elsewhere}
    storing.put_sightings(inventory, vms.values(), mine, vcenter=vcenter, seen_at=seen_at)
    _ask_people(inventory, decisions, mine)


def _ask_people(inventory: Inventory, decisions: Mapping[str, Decision], machines: Mapping[str, UUID]) -> None:
    """A question for every VM that may be a machine of another source; one that was asked before stays as it is."""
    questions = [
        IdentityQuestion(
            project_id=inventory.project_id, source_id=inventory.source_id, native_id=native_id, machine_id=machines[native_id],
            candidates=[str(candidate) for candidate in decision.candidates],
        )
        for native_id, decision in decisions.items()
        if isinstance(decision, Fresh) and decision.candidates
    ]  # fmt: skip
    IdentityQuestion.objects.bulk_create(questions, batch_size=ROWS_PER_INSERT, ignore_conflicts=True)


def sharing_machines(inventory: Inventory) -> list[Inventory]:
    """The newest inventories of other sources that tell of machines this one tells of: together they give another picture now."""
    shared = Source.objects.filter(sightings__machine__sightings__source_id=inventory.source_id, latest__isnull=False)
    sources = shared.exclude(pk=inventory.source_id).distinct().select_related("endpoint", "latest__project", "latest__source")
    return [source.latest for source in sources if source.latest is not None]


def _sighted(inventory: Inventory) -> list[Sighted]:
    rows = Sighting.objects.filter(source__project_id=inventory.project_id).order_by()
    found = rows.values_list("machine_id", "source_id", "vcenter", "native_id", "instance_uuid", "hardware_ids")
    return [
        Sighted(machine, source, vcenter, native_id, uuid, tuple(hardware_ids.split()))
        for machine, source, vcenter, native_id, uuid, hardware_ids in found
    ]


def _acted_on_elsewhere(source: Source, decisions: Mapping[str, Decision]) -> dict[str, UUID]:
    """Machines that stay where they can be acted on, by native id here; those this source manages better are moved to it."""
    joined = {decision.machine_id: native_id for native_id, decision in decisions.items() if isinstance(decision, Same)}
    foreign = Machine.objects.filter(project_id=source.project_id).exclude(source=source).select_related("source")
    found = [machine for machine in foreign if machine.id in joined]
    moving = [machine for machine in found if rank(source) < rank(machine.source)]
    for machine in moving:
        machine.source, machine.native_id = source, joined[machine.id]
    Machine.objects.bulk_update(moving, ["source", "native_id"], batch_size=ROWS_PER_INSERT)
    moved = {machine.id for machine in moving}
    return {joined[machine.id]: machine.id for machine in found if machine.id not in moved}
