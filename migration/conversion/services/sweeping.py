"""Asking for the list of what conversions left in a pool, and for its removal, which needs a list."""

from __future__ import annotations

from uuid import UUID

from project.backbone.accounts.policy import Actor, Role
from project.backbone.jobs import services as jobs
from project.backbone.jobs.services import IdempotencyKey
from project.backbone.jobs.states import JobState
from project.backbone.models import Job, Project
from project.backbone.problems import Conflict, Invalid, NotVisible
from readiness.selectors import pools

LIST, SWEEP = "conversion.list_leftovers", "conversion.sweep"


def ask_list(project: Project, *, pool_id: UUID, actor: Actor, idempotency_key: IdempotencyKey | None = None) -> Job:
    """Ask for the list. Raises: RoleTooLow (operator), NotVisible (pool)."""
    actor.require(project, Role.OPERATOR)
    pool = pools.pool_of_project(project, pool_id)
    params = {"pool_id": str(pool.pk)}
    unique = f"{LIST}:{pool.pk}"
    return jobs.enqueue(
        LIST, project=project, params=params, actor=actor, subject=pool.name, unique=unique, idempotency_key=idempotency_key
    )


def ask_sweep(
    project: Project,
    *,
    listing: UUID,
    conversion_ids: list[str] | None,
    actor: Actor,
    idempotency_key: IdempotencyKey | None = None,
) -> Job:
    """Ask for the removal of what a list showed: of these conversions, or for None of all that were cancelled.

    Raises: RoleTooLow (operator), Invalid (no conversion named), NotVisible (listing), Conflict `leftovers_not_listed` (409).
    """
    actor.require(project, Role.OPERATOR)
    if conversion_ids == []:
        raise Invalid("No conversion is named.", next_step="Name some, or leave the list out to remove all that was cancelled.")
    listed = Job.objects.filter(pk=listing, project=project, kind=LIST).first()
    if listed is None:
        raise NotVisible("list of leftovers")
    if listed.state != JobState.SUCCEEDED or listed.result is None:
        raise _not_listed(f"The list of {listed.subject} is {listed.state}.")
    shown = {each["conversion_id"]: each["verdict"] for each in listed.result["leftovers"]}
    removable = [key for key, verdict in shown.items() if verdict == "remove"]
    strangers = [key for key in conversion_ids or () if shown.get(key, "keep") == "keep"]
    if strangers:
        raise _not_listed(f"The list shows nothing to remove of {', '.join(strangers[:5])}.")
    wanted = sorted(removable if conversion_ids is None else conversion_ids)
    known_to_have_run = [key for key in wanted if shown[key] == "on_request"]
    params = {"pool_id": listed.result["pool_id"], "conversion_ids": wanted, "even_if_they_ran": known_to_have_run}
    return jobs.enqueue(
        SWEEP, project=project, params=params, actor=actor, subject=listed.subject, idempotency_key=idempotency_key
    )


def _not_listed(detail: str) -> Conflict:
    return Conflict(
        detail,
        code="leftovers_not_listed",
        next_step="Ask for a new list, wait for its job, and name conversions whose verdict there is remove or on_request.",
    )
