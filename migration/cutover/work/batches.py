"""Runs a batch: its wave is made, then its machines are prepared, a few at a time. What comes after is any wave's cutover."""

from __future__ import annotations

from typing import Any

from estate.errors import AskPerson
from migration.conversion.selectors import running_settings
from migration.conversion.services import lifecycle, looking
from migration.cutover import selectors
from migration.cutover.models import Batch
from migration.cutover.services import batches
from migration.cutover.work import conduct
from project.backbone.jobs.context import JobContext
from project.backbone.models import Job, Project

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
    looked = _looked(job, project, wanted)
    problems = batches.problems_of(project, wanted)
    looks = (looked.result or {}).get("looks", [])
    problems += [_problem(each) for each in looks if each["result"] == "fail"]
    if looked.result is None:
        problems.append(_not_looked(looked))
    return {
        "dry_run": True,
        "accepted": not problems,
        "conversions": len(wanted["conversions"]),
        "problems": problems,
        "unknown": [_problem(each) for each in looks if each["result"] == "unknown"],
    }


def _looked(job: JobContext, project: Project, wanted: dict[str, Any]) -> Job:
    """The job that looked at both sides, once it has ended."""
    if "looked" not in job.checkpoint:
        verify = str(wanted["options"].get("verify") or running_settings(project).verify)
        asked = looking.ask_look_at_batch(project, wanted, verify=verify, actor=job.actor)
        job.save_checkpoint({"looked": str(asked.pk)})
    looked = Job.objects.get(pk=job.checkpoint["looked"])
    if lifecycle.unfinished([str(looked.pk)]):
        job.wait(conduct.POLL_S, "both sides are being looked at")
    return looked


def _problem(each: dict[str, str]) -> dict[str, Any]:
    """A look as the problem of a batch; it names its machine, SR or address, for a machine may share them."""
    told = {key: each[key] for key in ("code", "subject", "detail", "next_step")}
    return {"vm": "", "name": each["subject"], **told, "unknown": each["result"] == "unknown"}


def _not_looked(looked: Job) -> dict[str, Any]:
    error = looked.error or {}
    return {
        "vm": "",
        "name": "",
        "code": error.get("code", "not_looked"),
        "subject": error.get("where", ""),
        "detail": f"Both sides could not be looked at: {error.get('message', f'the look was {looked.state}')}",
        "next_step": error.get("next_step", "Try again."),
        "unknown": True,
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
