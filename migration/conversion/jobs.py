"""Job kinds of conversions. Thin: each reloads its conversion by id, asks whether there is still work, and runs one leg.

A job that failed for good, or was cancelled, fails its conversion with the same error, in the same transaction.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from migration.conversion.services import transitions
from migration.conversion.work import going_live, legs, preflight, sweeping
from project.backbone.accounts.policy import Actor
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler
from project.backbone.models import Job


def _fail_conversion(job: Job, error: dict[str, Any], actor: Actor) -> None:
    transitions.fail(UUID(job.params["conversion_id"]), actor=actor, error=error, job_id=job.pk)


@handler("conversion.prepare", title="Make the VM in the pool", on_failed=_fail_conversion)
def prepare(job: JobContext, conversion_id: str, discard_writes: bool = False) -> dict[str, Any]:
    return legs.prepare(job, conversion_id, discard_writes=discard_writes)


@handler("conversion.preflight", title="Look at both sides before the first byte")
def look_before(job: JobContext, wave_id: str) -> dict[str, Any]:
    return preflight.look_at_wave(job, wave_id)


@handler("conversion.look_at_batch", title="Look at both sides for a batch that is only tried")
def look_at_batch(job: JobContext, wanted: dict[str, Any], verify: str) -> dict[str, Any]:
    return preflight.look_at_batch(job, wanted, verify=verify)


@handler("conversion.copy", queue="disks", title="Copy and prove the disks", on_failed=_fail_conversion)
def copy(job: JobContext, conversion_id: str) -> dict[str, Any]:
    return legs.copy(job, conversion_id)


@handler("conversion.go_live", title="Start the VM in the pool", on_failed=_fail_conversion)
def go_live(job: JobContext, conversion_id: str) -> dict[str, Any]:
    return going_live.go_live(job, conversion_id)


@handler("conversion.clean_up", title="Remove what a cancelled conversion made")
def clean_up(job: JobContext, conversion_id: str, discard_writes: bool = False) -> dict[str, Any]:
    return legs.clean_up(job, conversion_id, discard_writes=discard_writes)


def _tell_conversion(job: Job, error: dict[str, Any], actor: Actor) -> None:
    transitions.tell(UUID(job.params["conversion_id"]), error=error, job_id=job.pk)


@handler("conversion.roll_back", title="Roll a conversion back", on_failed=_tell_conversion)
def roll_back(job: JobContext, conversion_id: str) -> dict[str, Any]:
    return legs.roll_back(job, conversion_id)


@handler("conversion.finish", title="Take a machine that runs in the pool for moved", on_failed=_tell_conversion)
def finish(job: JobContext, conversion_id: str) -> dict[str, Any]:
    return going_live.finish(job, conversion_id)


@handler("conversion.list_leftovers", title="List what conversions left in a pool")
def list_leftovers(job: JobContext, pool_id: str) -> dict[str, Any]:
    return sweeping.list_leftovers(job, pool_id)


@handler("conversion.sweep", title="Remove what conversions left in a pool")
def sweep(job: JobContext, pool_id: str, conversion_ids: list[str], even_if_they_ran: list[str]) -> dict[str, Any]:
    return sweeping.sweep(job, pool_id, conversion_ids, even_if_they_ran=even_if_they_ran)
