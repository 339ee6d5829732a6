"""Dropping inventories that the policy lets go, facts that no inventory points to any more, and workbooks nobody reads.

Facts go in two steps: what nothing points to is marked, and goes a day later if still nothing does. Whoever stores the same
facts meanwhile takes the mark away in the statement that would have written them, so that none vanishes under a new pointer.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from migration.inventory import keeping
from migration.inventory.core.retention import Held, Policy, droppable
from migration.inventory.core.states import InventoryState
from migration.inventory.models import FactBlob, Inventory, InventoryEntry, Source
from migration.inventory.services import storing
from migration.inventory.services.workbooks import FOLDER
from project.backbone import deciding
from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record
from project.backbone.clock import now

ORPHAN_WAIT = timedelta(days=1)
BATCH = 2000
_DROP_ORPHAN = """DELETE FROM inventory_factblob WHERE orphaned_at < %s AND digest = %s
AND NOT EXISTS (SELECT 1 FROM inventory_inventoryentry WHERE blob_id = digest)"""


@dataclass(frozen=True, slots=True)
class Droppable:
    """One inventory that may go, for people."""

    id: UUID
    source: str
    at: str
    state: str
    objects: int


def policy() -> Policy:
    """The installation's policy."""
    return Policy(keep_days=settings.KEEP_INVENTORY_DAYS, keep_newest=settings.KEEP_INVENTORIES)


def waiting_to_go() -> Iterator[Droppable]:
    """Every inventory that the policy lets go now, source by source, oldest first. Nothing is changed."""
    for source in Source.objects.select_related("endpoint"):
        for held in _droppable(source):
            row = Inventory.objects.get(pk=held.id)
            yield Droppable(held.id, str(source), held.at.isoformat(), row.state, row.object_count)


def _droppable(source: Source) -> list[Held]:
    rows = Inventory.objects.filter(source=source)
    held = [Held(row.pk, InventoryState(row.state), row.collected_at or row.created_at) for row in rows]
    cited = deciding.decided_at(source.project_id)
    return [each for each in droppable(held, policy(), asked_at=now(), cited_at=cited) if each.id != source.latest_id]


@transaction.atomic
def drop(inventory_id: UUID, *, actor: Actor) -> bool:
    """Drop one inventory with all that was made of it; False when it became somebody's newest or is gone already."""
    row = Inventory.objects.filter(pk=inventory_id, latest_of__isnull=True).exclude(state=InventoryState.COLLECTING).first()
    if row is None:
        return False
    keeping.forget(row.pk)
    was = {"source": str(row.source), "state": row.state, "counts": row.counts, "collected_at": str(row.collected_at or "")}
    record(actor, "inventory.dropped", row, project=row.project, before=was)
    row.delete()
    return True


def mark_orphans() -> int:
    """Mark facts that nothing points to, and unmark those that something points to again. Returns how many are marked now."""
    pointed = Exists(InventoryEntry.objects.filter(blob=OuterRef("pk")))
    FactBlob.objects.filter(pointed, orphaned_at__isnull=False).update(orphaned_at=None)
    FactBlob.objects.filter(~pointed, orphaned_at__isnull=True).update(orphaned_at=now())
    return FactBlob.objects.filter(orphaned_at__isnull=False).count()


def orphans() -> QuerySet[FactBlob]:
    """Facts that were marked a day ago or earlier, and that still nothing points to."""
    pointed = Exists(InventoryEntry.objects.filter(blob=OuterRef("pk")))
    return FactBlob.objects.filter(~pointed, orphaned_at__lt=now() - ORPHAN_WAIT)


def drop_some_orphans() -> int:
    """Drop up to `BATCH` of them. Returns how many went."""
    digests = list(orphans().values_list("digest", flat=True)[:BATCH])
    asked = [(storing.moment(now() - ORPHAN_WAIT), digest) for digest in digests]
    with connection.cursor() as cursor:
        cursor.executemany(_DROP_ORPHAN, asked)
    return len(digests)


def unread_workbooks() -> list[Path]:
    """Folders of uploaded workbooks that no source reads any more and that are older than the policy keeps inventories."""
    folder = Path(settings.VAR_DIR) / FOLDER
    read = {path.partition("/")[0] for path in Source.objects.exclude(path="").values_list("path", flat=True)}
    oldest_kept_s = time.time() - policy().keep_days * 86400
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(each for each in found if each.name not in read and _touched_s(each) < oldest_kept_s)


def _touched_s(place: Path) -> float:
    """When somebody last wrote there. An upload of the same bytes writes again."""
    inside = place.iterdir() if place.is_dir() else iter(())
    return max((each.stat().st_mtime for each in (place, *inside)), default=0.0)


def drop_workbook(place: Path) -> None:
    """Remove one of them, whole: it loses its name before its bytes. Another purge may be at it too."""
    going = place.with_name(f".going-{place.name}") if not place.name.startswith(".") else place
    with contextlib.suppress(FileNotFoundError):
        place.replace(going)
        if going.is_dir():
            shutil.rmtree(going)
        else:
            going.unlink()
