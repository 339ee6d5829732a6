"""Job kinds of cutovers. Thin: each reloads by id and calls one function of the work room."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from migration.cutover.models import Phase
from migration.cutover.services import waves
from migration.cutover.work import batches, conduct, gate
from project.backbone.accounts.policy import Actor
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler
from project.backbone.models import Job


@handler("cutover.start_wave", title="Prepare the machines of a wave")
def start_wave(job: JobContext, wave_id: str) -> dict[str, Any]:
    return conduct.start_wave(job, wave_id)


@handler("cutover.retry_wave", title="Take the failed machines of a wave up again")
def retry_wave(job: JobContext, wave_id: str) -> dict[str, Any]:
    return conduct.take_up_again(job, wave_id)


@handler("cutover.gate", title="Ask the gate of a wave")
def ask_gate(job: JobContext, wave_id: str, phase: str) -> dict[str, Any]:
    row = gate.answer(job, wave_id, Phase(phase))
    return {"decision_id": str(row.pk), "state": row.state, "reasons": len(row.reasons)}


def _stop_machines(job: Job, _error: dict[str, Any], actor: Actor) -> None:
    waves.stop_machines(UUID(job.params["wave_id"]), actor=actor)


@handler(
    "cutover.cut_over_wave",
    title="Cut a wave over",
    on_failed=_stop_machines,
    repeat_instead="Ask the gate, have its answer signed, and cut the wave over anew: what is copied stays.",
)
def cut_over_wave(job: JobContext, wave_id: str, decision_id: str) -> dict[str, Any]:
    return conduct.cut_over_wave(job, wave_id, UUID(decision_id))


@handler("cutover.roll_back_wave", title="Roll a wave back", repeat_instead="Ask for the rollback of the wave again.")
def roll_back_wave(job: JobContext, wave_id: str) -> dict[str, Any]:
    return conduct.roll_back_wave(job, wave_id)


@handler("cutover.run_batch", title="Prepare the machines of a batch")
def run_batch(job: JobContext, batch_id: str, again: bool) -> dict[str, Any]:
    return batches.run_batch(job, batch_id, again=again)


@handler("cutover.try_batch", title="Try a batch without making anything")
def try_batch(job: JobContext, wanted: dict[str, Any]) -> dict[str, Any]:
    return batches.try_batch(job, wanted)
