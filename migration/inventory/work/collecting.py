"""Reading a whole source into a new inventory, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from estate.facts.source import SourceFact, VmFacts
from migration.inventory.core.identity import Seen
from migration.inventory.models import Inventory, MadeBy, Source
from migration.inventory.services import collecting
from migration.inventory.services.recognising import seen_vm
from migration.inventory.work.overlap import Read, read_aside
from project.backbone.jobs.context import JobContext


def collect_with(
    job: JobContext, source: Source, read: Read, *, made_by: str = MadeBy.COLLECTION.value, note: str = ""
) -> dict[str, Any]:
    """Make a new inventory of what `read` hands over. Whatever ends it early, nothing half read stays behind.

    Raises: EdgeError from the source; JobCancelled and LeaseLost from the job; InventoryReplaced.
    """
    inventory = collecting.begin(source, job_id=job.id, actor=job.actor, made_by=made_by, note=note)
    intake = _Intake(job, inventory)
    try:
        about = read_aside(read, on_page=intake.take, alive=job.alive)
        complete = collecting.complete(inventory, about=about, vms=intake.vms, actor=job.actor)
    finally:
        collecting.abandon(inventory, actor=job.actor)  # leaves a complete inventory alone
    job.progress(intake.done, intake.done, unit="objects", message=f"{complete.counts['vms']} machines read")
    return {"inventory_id": str(complete.id), "counts": complete.counts}


@dataclass(slots=True)
class _Intake:
    """Stores page after page and keeps what the machines' identity needs."""

    job: JobContext
    inventory: Inventory
    vms: dict[str, Seen] = field(default_factory=dict)
    done: int = 0

    def take(self, kind: str, facts: Sequence[SourceFact]) -> None:
        self.job.alive()
        self.done += collecting.add_page(self.inventory, facts)
        for fact in facts:
            if isinstance(fact, VmFacts):
                self.vms[fact.native_id] = seen_vm(fact)
        self.job.progress(self.done, None, unit="objects", message=f"Reading {kind}s")
