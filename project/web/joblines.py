"""Jobs as the pages show them: what is being done, how far it is, how it ended. Which jobs are shown is the page's choice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from project.backbone.accounts.policy import Actor
from project.backbone.jobs.handlers import UnknownKind, handler_of
from project.backbone.jobs.selectors import visible_jobs
from project.backbone.jobs.serializers import progress_of
from project.backbone.jobs.states import UNFINISHED, JobState
from project.backbone.models import Job, Project

TONES = {
    JobState.SUCCEEDED: "good",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "unknown",
    JobState.RUNNING: "busy",
    JobState.QUEUED: "busy",
    JobState.WAITING: "busy",
}


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job. `percent` is None where the whole is not known; `left_s` is the time that the present rate leaves.

    `message` is what a job at work says of itself, or why it failed.
    """

    id: UUID
    title: str
    subject: str
    state: str
    tone: str
    running: bool
    percent: int | None
    left_s: float | None
    message: str
    next_step: str
    asked_by: str
    asked_at: datetime


def job_lines(project: Project, *, actor: Actor, ended_most: int = 0) -> tuple[JobLine, ...]:
    """The project's unfinished jobs, oldest first, then the newest `ended_most` finished ones. Two queries."""
    rows = visible_jobs(actor).filter(project=project).select_related("created_by").defer("params", "checkpoint")
    unfinished = Q(state__in=UNFINISHED)
    ended = rows.exclude(unfinished).order_by("-finished_at", "-created_at")[:ended_most] if ended_most else []
    return tuple(line_of(row) for row in (*rows.filter(unfinished).order_by("created_at"), *ended))


def line_of(row: Job) -> JobLine:
    """A job row as a line."""
    progress, state = progress_of(row), JobState(row.state)
    total = progress["total"]
    error = row.error or {}
    return JobLine(
        id=row.pk,
        title=_title(row.kind),
        subject=row.subject,
        state=state.value,
        tone=TONES[state],
        running=state in UNFINISHED,
        percent=min(100, progress["done"] * 100 // total) if total else None,
        left_s=progress["eta_s"],
        message=str(error.get("message", "") or (row.message if state in UNFINISHED else "")),
        next_step=str(error.get("next_step", "")),
        asked_by=row.created_by.username if row.created_by else row.requested_by_name,
        asked_at=row.created_at,
    )


def _title(kind: str) -> str:
    """The kind's words; a job of an app that is no longer installed keeps its bare name."""
    try:
        return handler_of(kind).title
    except UnknownKind:
        return kind
