"""A new inventory out of the newest one and what changed since: pointers are copied inside the database, nothing else is.

What is copied keeps the time at which it was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db import connection, transaction

from estate.facts.source import SourceAbout, SourceFact, VmFacts
from migration.inventory.core.blobs import StoredFact, stored
from migration.inventory.core.identity import Seen
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import Inventory, InventoryEntry, MadeBy, Source
from migration.inventory.selectors.merged import vm_of
from migration.inventory.services import collecting, recognising, storing
from migration.inventory.services.recognising import seen_vm
from project.backbone.accounts.policy import Actor
from project.backbone.clock import now

_NEW_KEY = {
    "sqlite": "lower(hex(randomblob(4)) || hex(randomblob(2)) || '4' || substr(hex(randomblob(2)), 2) || '8' || "
    "substr(hex(randomblob(2)), 2) || hex(randomblob(6)))",
    "postgresql": "gen_random_uuid()",
}
_COPY = """INSERT INTO inventory_inventoryentry (id, inventory_id, kind, native_id, name, blob_id, volatile, facets, read_at)
SELECT {key}, %s, kind, native_id, name, blob_id, volatile, facets, COALESCE(read_at, %s) FROM inventory_inventoryentry
WHERE inventory_id = %s"""


@transaction.atomic
def refresh(
    source: Source,
    *,
    changed: Collection[SourceFact],
    gone: Iterable[tuple[str, str]],
    about: SourceAbout,
    job_id: UUID,
    actor: Actor,
) -> Inventory | None:
    """The source's new inventory, complete and assessed like any other; None when no lasting fact differs.

    Raises: InventoryReplaced when a collection that began meanwhile took over.
    """
    base = Source.objects.select_related("latest").get(pk=source.pk).latest
    assert base is not None, "a watch begins with a full reading"
    facts = {(fact.kind, fact.native_id): fact for fact in map(stored, changed)}
    vms = {vm.native_id: seen_vm(vm) for vm in changed if isinstance(vm, VmFacts)}
    lost = [(FactKind(kind), native_id) for kind, native_id in gone]
    if not _differs(base, facts, lost):
        return None
    inventory = collecting.begin(source, job_id=job_id, actor=actor, made_by=MadeBy.WATCH.value)
    _copy(base, inventory)
    for kind, native_id in lost:
        InventoryEntry.objects.filter(inventory=inventory, kind=kind.value, native_id=native_id).delete()
    storing.store(inventory, facts.values())
    done = collecting.complete(inventory, about=about, vms=vms, disks=_disks(base, vms, lost), actor=actor)
    recognising.still_seen(done, done.collected_at or now())
    return done


def _differs(base: Inventory, facts: Mapping[tuple[FactKind, str], StoredFact], lost: list[tuple[FactKind, str]]) -> bool:
    """Whether a digest is another one, or something that the base holds is gone."""
    keys = {*facts, *lost}
    rows = InventoryEntry.objects.filter(inventory=base, native_id__in=[native_id for _, native_id in keys])
    held = {(FactKind(kind), native_id): digest for kind, native_id, digest in rows.values_list("kind", "native_id", "blob_id")}
    return any(held.get(key) != fact.digest for key, fact in facts.items()) or any(key in held for key in lost)


def _copy(base: Inventory, inventory: Inventory) -> None:
    with connection.cursor() as cursor:
        statement = _COPY.format(key=_NEW_KEY[connection.vendor])
        assert base.collected_at is not None, "a source's latest inventory is complete"
        cursor.execute(statement, [storing.key(inventory.pk), storing.moment(base.collected_at), storing.key(base.pk)])


def _disks(base: Inventory, vms: Mapping[str, Seen], lost: Collection[tuple[FactKind, str]]) -> int:
    """All disks: those the base counted, but for the machines that changed or went, whose disks now count."""
    moved = [*vms, *(native_id for kind, native_id in lost if kind is FactKind.VM)]
    rows = InventoryEntry.objects.filter(inventory=base, kind=FactKind.VM.value, native_id__in=moved)
    before = (seen_vm(vm) for body, volatile in rows.values_list("blob__body", "volatile") if (vm := vm_of(body, volatile)))
    counted: int = base.counts["disks"]
    return counted - sum(vm.disk_count for vm in before) + sum(vm.disk_count for vm in vms.values())
