"""Rows written in bulk: plain statements with many parameters, since a model object per row costs more than the row.

Both databases know the same `ON CONFLICT`. Whether an inventory may still be written to is decided by services.collecting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from migration.inventory.core.blobs import StoredFact
from migration.inventory.core.identity import Seen
from migration.inventory.models import Disposition, FactBlob, Inventory

_BLOBS = """INSERT INTO inventory_factblob (digest, kind, body) VALUES (%s, %s, %s)
ON CONFLICT (digest) DO UPDATE SET orphaned_at = NULL"""
_ENTRIES = """INSERT INTO inventory_inventoryentry (id, inventory_id, kind, native_id, name, blob_id, volatile, facets)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (inventory_id, kind, native_id)
DO UPDATE SET name = excluded.name, blob_id = excluded.blob_id, volatile = excluded.volatile, facets = excluded.facets,
read_at = NULL"""

_MACHINES = """INSERT INTO inventory_machine
(id, created_at, project_id, source_id, native_id, instance_uuid, name, disposition, note, version, last_seen_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', 1, %s) ON CONFLICT (source_id, native_id)
DO UPDATE SET name = excluded.name, instance_uuid = excluded.instance_uuid, last_seen_at = excluded.last_seen_at"""
# What a source once told of itself and of a VM stays until it tells something else.
_SIGHTINGS = """INSERT INTO inventory_sighting
(id, machine_id, source_id, native_id, instance_uuid, vcenter, hardware_ids, last_seen_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (source_id, native_id)
DO UPDATE SET instance_uuid = COALESCE(NULLIF(excluded.instance_uuid, ''), inventory_sighting.instance_uuid),
vcenter = COALESCE(NULLIF(excluded.vcenter, ''), inventory_sighting.vcenter),
hardware_ids = COALESCE(NULLIF(excluded.hardware_ids, ''), inventory_sighting.hardware_ids),
last_seen_at = excluded.last_seen_at"""


def store(inventory: Inventory, facts: Collection[StoredFact]) -> int:
    """Write the inventory's pointers and those facts whose address is new. Returns the number of objects.

    Another inventory may write the same facts meanwhile: that is no conflict. An object the inventory already holds is replaced.
    """
    with connection.cursor() as cursor:
        cursor.executemany(_BLOBS, _new_blobs(inventory, facts))
        cursor.executemany(_ENTRIES, _entries(inventory, facts))
    return len(facts)


def _new_blobs(inventory: Inventory, facts: Collection[StoredFact]) -> list[tuple[str, str, str]]:
    """Those to be written. A source's first reading has next to nothing that is known, so that nobody looks."""
    by_digest = {fact.digest: fact for fact in facts}
    # One that is marked as an orphan is written again: that takes its mark away, and nobody can drop it between look and write.
    found = FactBlob.objects.filter(digest__in=list(by_digest), orphaned_at__isnull=True)
    known = set(found.values_list("digest", flat=True)) if inventory.source.latest_id else set()
    return [(digest, fact.kind.value, fact.body) for digest, fact in by_digest.items() if digest not in known]


def _entries(inventory: Inventory, facts: Iterable[StoredFact]) -> list[tuple[Any, ...]]:
    mine = key(inventory.pk)
    return [
        (
            key(uuid4()),
            mine,
            fact.kind.value,
            fact.native_id,
            fact.name,
            fact.digest,
            fact.volatile,
            fact.facets,
        )
        for fact in facts
    ]


def key(value: UUID) -> UUID | str:
    """An id as the database stores it."""
    return value if connection.features.has_native_uuid_field else value.hex


def put_machines(inventory: Inventory, vms: Iterable[Seen], seen_at: datetime) -> None:
    """A machine for each VM of the inventory's source; one that is known keeps its id and what people decided about it."""
    project, source, at = key(inventory.project_id), key(inventory.source_id), moment(seen_at)
    rows = [
        (key(uuid4()), at, project, source, vm.native_id, vm.instance_uuid, vm.name, Disposition.MIGRATE.value, at) for vm in vms
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_MACHINES, rows)


def put_sightings(
    inventory: Inventory, vms: Iterable[Seen], machines: Mapping[str, UUID], *, vcenter: str, seen_at: datetime
) -> None:
    """Where each VM's machine, by native id, was seen, and the vCenter that its native id counts in."""
    source, at = key(inventory.source_id), moment(seen_at)
    rows = [
        (
            key(uuid4()),
            key(machines[vm.native_id]),
            source,
            vm.native_id,
            vm.instance_uuid,
            vcenter,
            " ".join(vm.hardware_ids),
            at,
        )
        for vm in vms
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_SIGHTINGS, rows)


def moment(value: datetime) -> Any:
    """A time as the database stores it."""
    return connection.ops.adapt_datetimefield_value(value)
