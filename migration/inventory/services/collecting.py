"""Making one inventory: begin, add pages, complete or give up. Until it is complete, nobody sees anything of it.

Each attempt of a job makes its own inventory and replaces what an earlier attempt left half done, so a killed collection
leaves nothing behind and an attempt that lost its lease cannot write into the next one's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F

from estate.facts.codec import to_json
from estate.facts.source import SourceAbout, SourceFact
from migration.inventory.core.blobs import stored
from migration.inventory.core.identity import Seen
from migration.inventory.core.kinds import FactKind
from migration.inventory.core.states import InventoryEvent, InventoryState, next_state
from migration.inventory.models import Inventory, MadeBy, Source
from migration.inventory.services import recognising, storing
from project.backbone.accounts.policy import Actor
from project.backbone.audit.services import record
from project.backbone.clock import now
from project.backbone.jobs import services as jobs
from project.backbone.problems import Conflict


class InventoryReplaced(Conflict):
    """A newer attempt took over; what this one still has to say is dropped."""

    code = "inventory_replaced"


@transaction.atomic
def begin(
    source: Source, *, job_id: UUID | None, actor: Actor, made_by: str = MadeBy.COLLECTION.value, note: str = ""
) -> Inventory:
    """A new, empty inventory in state collecting. Unfinished ones of the source are failed and emptied."""
    for left in Inventory.objects.filter(source=source, state=InventoryState.COLLECTING):
        _give_up(left, InventoryEvent.REPLACED)
    inventory = Inventory.objects.create(
        project=source.project, source=source, state=InventoryState.COLLECTING.value, job_id=job_id,
        made_by=made_by, note=note[:500],
    )  # fmt: skip
    record(actor, "inventory.begun", inventory, project=source.project, after={"source": str(source)})
    return inventory


@transaction.atomic
def add_page(inventory: Inventory, facts: Iterable[SourceFact]) -> int:
    """Store one page of facts; an object that comes twice is kept as it came last. Returns the number of objects.

    Raises: InventoryReplaced when the inventory is no longer being collected.
    """
    page = {(fact.kind, fact.native_id): fact for fact in map(stored, facts)}
    _still_collecting(inventory, len(page))
    return storing.store(inventory, page.values())


def _still_collecting(inventory: Inventory, more: int) -> None:
    unfinished = Inventory.objects.filter(pk=inventory.pk, state=InventoryState.COLLECTING)
    if not unfinished.update(object_count=F("object_count") + more):
        raise InventoryReplaced(
            f"Inventory {inventory.pk} is no longer being collected.", next_step="Look at the source's newest inventory."
        )


@transaction.atomic
def complete(
    inventory: Inventory, *, about: SourceAbout, vms: Mapping[str, Seen], disks: int | None = None, actor: Actor
) -> Inventory:
    """Make the inventory visible: state, counts, machines and the source's latest, and ask for its assessment, all at once.

    `vms` are those that were read; where others were copied, `disks` is the number of all disks.
    Raises: InventoryReplaced when a newer attempt took over.
    """
    target = next_state(InventoryState(inventory.state), InventoryEvent.ALL_READ)
    counts, collected_at = _counts(inventory, vms, disks), now()
    changed = Inventory.objects.filter(pk=inventory.pk, state=inventory.state).update(
        state=target.value, counts=counts, about=to_json(about), collected_at=collected_at
    )
    if not changed:
        raise InventoryReplaced(f"Inventory {inventory.pk} was replaced.", next_step="Look at the source's newest inventory.")
    inventory.refresh_from_db()
    recognising.remember(inventory, vms, vcenter=about.instance_uuid if about.is_vcenter else "", seen_at=collected_at)
    Source.objects.filter(pk=inventory.source_id).update(latest=inventory, about=to_json(about))
    record(actor, "inventory.completed", inventory, project=inventory.project, after={"counts": counts})
    for told_of in (inventory, *recognising.sharing_machines(inventory)):
        ask_assessment(told_of, cause=str(inventory.id), actor=actor)
    return inventory


def ask_assessment(inventory: Inventory, *, cause: str, actor: Actor) -> None:
    """A job of its own for each cause: one that runs already may have read what was known before."""
    jobs.enqueue(
        "assessment.assess",
        project=inventory.project,
        params={"inventory_id": str(inventory.id)},
        actor=actor,
        subject=str(inventory.source),
        unique=f"assessment.assess:{inventory.id}:after:{cause}",
    )


def _counts(inventory: Inventory, vms: Mapping[str, Seen], disks: int | None) -> dict[str, int]:
    by_kind = inventory.entries.order_by().values_list("kind").annotate(Count("id"))
    found = {FactKind(kind): number for kind, number in by_kind}
    disks = sum(vm.disk_count for vm in vms.values()) if disks is None else disks
    return {kind.plural: found.get(kind, 0) for kind in FactKind} | {"disks": disks}


@transaction.atomic
def abandon(inventory: Inventory, *, actor: Actor) -> None:
    """Give an unfinished inventory up and drop what it holds; a finished one is left alone."""
    if _give_up(inventory, InventoryEvent.GAVE_UP):
        record(actor, "inventory.failed", inventory, project=inventory.project)


def _give_up(inventory: Inventory, event: InventoryEvent) -> bool:
    target = next_state(InventoryState.COLLECTING, event)
    mine = Inventory.objects.filter(pk=inventory.pk, state=InventoryState.COLLECTING)
    given_up = bool(mine.update(state=target.value, object_count=0))
    if given_up:
        inventory.entries.all().delete()
    return given_up
