"""Rows of facts written in bulk: plain statements with many parameters, since a model object per row costs more than the row.

Both databases know the same `ON CONFLICT`. Whether an inventory may still be written to is decided by services.collecting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from migration.inventory.core.blobs import StoredFact, canonical_json
from migration.inventory.core.facets import facets_of
from migration.inventory.models import FactBlob, Inventory

_BLOBS = "INSERT INTO inventory_factblob (digest, kind, body) VALUES (%s, %s, %s) ON CONFLICT (digest) DO NOTHING"
_ENTRIES = """INSERT INTO inventory_inventoryentry (id, inventory_id, kind, native_id, name, blob_id, volatile, facets)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (inventory_id, kind, native_id)
DO UPDATE SET name = excluded.name, blob_id = excluded.blob_id, volatile = excluded.volatile, facets = excluded.facets"""


def store(inventory: Inventory, facts: Collection[StoredFact]) -> int:
    """Write the inventory's pointers and those facts whose address is new. Returns the number of objects.

    Another inventory may write the same facts meanwhile: that is no conflict. An object the inventory already holds is replaced.
    """
    with connection.cursor() as cursor:
        cursor.executemany(_BLOBS, _new_blobs(facts))
        cursor.executemany(_ENTRIES, _entries(inventory, facts))
    return len(facts)


def _new_blobs(facts: Collection[StoredFact]) -> list[tuple[str, str, str]]:
    by_digest = {fact.digest: fact for fact in facts}
    known = set(FactBlob.objects.filter(digest__in=list(by_digest)).values_list("digest", flat=True))
    return [(digest, fact.kind.value, fact.text) for digest, fact in by_digest.items() if digest not in known]


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
            canonical_json(fact.volatile),
            canonical_json(facets_of(fact.body)),
        )
        for fact in facts
    ]


def key(value: UUID) -> UUID | str:
    """An id as the database stores it."""
    return value if connection.features.has_native_uuid_field else value.hex
