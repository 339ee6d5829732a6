"""Runs a batch: its wave is made, then its machines are prepared, a few at a time. What comes after is any wave's cutover."""

from __future__ import annotations

from typing import Any

from estate.errors import AskPerson, EdgeError
from migration.conversion.core.preflight import Look, Result, failed
from migration.conversion.selectors import running_settings
from migration.conversion.work import preflight
from migration.cutover import selectors
from migration.cutover.models import Batch
from migration.cutover.services import batches
from migration.cutover.services.machines import specs_of
from migration.cutover.work import conduct
from migration.planning.selectors import WaveMachine
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
    """A dry run: everything that stands against the batch, all at once, on both sides as well. Makes and stores nothing.

    What could not be read there is told under `unknown`; as in a cutover, it alone stands against nothing.
    """
    project = Project.objects.get(jobs=job.id)
    machines, problems = batches.tried(project, wanted)
    looks, unread = _looks(job, project, machines, wanted)
    ids = {machine.name: str(machine.machine_id) for machine in machines}
    problems += unread + [_look_problem(each, ids) for each in failed(looks)]
    return {
        "dry_run": True,
        "accepted": not problems,
        "conversions": len(wanted["conversions"]),
        "problems": problems,
        "unknown": [_look_problem(each, ids) for each in looks if each.result is Result.UNKNOWN],
    }


def _looks(
    job: JobContext, project: Project, machines: list[WaveMachine], wanted: dict[str, Any]
) -> tuple[list[Look], list[dict[str, Any]]]:
    """What is seen of both sides for the machines that can be planned, and why nothing could be seen."""
    if not machines:
        return [], []
    verify = str(wanted["options"].get("verify") or running_settings(project).verify)
    try:
        to_move = [preflight.ToMove(spec, verify, str(wanted["pool"])) for spec in specs_of(machines)]
        return preflight.look_at(job, project, to_move), []
    except EdgeError as fault:
        told = {"vm": "", "name": fault.where, "code": fault.code, "subject": fault.where, "detail": fault.message}
        return [], [{**told, "next_step": fault.next_step, "unknown": True}]


def _look_problem(each: Look, ids: dict[str, str]) -> dict[str, Any]:
    return {
        "vm": ids.get(each.subject, ""),
        "name": each.subject,
        "code": each.code,
        "subject": each.subject,
        "detail": each.detail,
        "next_step": each.next_step,
        "unknown": each.result is Result.UNKNOWN,
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
