"""Runs a batch: its wave is made, then its machines are prepared, a few at a time. What comes after is any wave's cutover."""

from __future__ import annotations

from typing import Any

from estate.errors import AskPerson
from migration.cutover import selectors
from migration.cutover.models import Batch
from migration.cutover.services import batches
from migration.cutover.work import conduct
from project.backbone.jobs.context import JobContext
from project.backbone.models import Project

TOLD = 5


def run_batch(job: JobContext, batch_id: str, *, again: bool) -> dict[str, Any]:
    """Make the wave and prepare its machines; with `again` those that failed too.

    Raises: AskPerson `batch_refused` when anything stands against any machine; the batch keeps all of it.
    """
    batch = selectors.batch(batch_id)
    wave_id = batches.make_wave(batch, actor=job.actor)
    if wave_id is None:
        raise _refused(batch)
    conducted = conduct.take_up_again if again else conduct.start_wave
    return {"batch_id": batch_id, "wave_id": str(wave_id), **conducted(job, str(wave_id))}


def try_batch(job: JobContext, wanted: dict[str, Any]) -> dict[str, Any]:
    """A dry run: everything that stands against the batch, all at once. Makes nothing and stores nothing but this answer."""
    _machines, problems = batches.tried(Project.objects.get(jobs=job.id), wanted)
    return {
        "dry_run": True,
        "accepted": not problems,
        "conversions": len(wanted["conversions"]),
        "problems": problems,
    }


def _refused(batch: Batch) -> AskPerson:
    machines = {problem["vm"] for problem in batch.problems}
    told = " ".join(problem["detail"] for problem in batch.problems[:TOLD])
    more = f" And {len(batch.problems) - TOLD} more." if len(batch.problems) > TOLD else ""
    return AskPerson(
        f"{len(machines)} of {len(batch.asked)} machines of {batch.name} cannot be converted, so none was begun: {told}{more}",
        code="batch_refused",
        next_step="Read all problems with GET …/batches/{id}; remove them and retry the batch, or ask for another one.",
    )
