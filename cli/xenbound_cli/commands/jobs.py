"""jobs: what the server works on: list, show, watch, cancel."""

from __future__ import annotations

import argparse
from typing import Any

from xenbound_cli.commands.grammar import Commands, add_filters, command, filters, group
from xenbound_cli.exits import UsageError
from xenbound_cli.screen import Column
from xenbound_cli.session import Session, is_id
from xenbound_cli.texts import clean, moment
from xenbound_cli.waiting import follow, progress_line

FILTERS = ("state", "kind", "subject")
LIST = [
    Column("KIND", "kind"),
    Column("SUBJECT", "subject"),
    Column("STATE", "state"),
    Column("BY", "requested_by"),
    Column("CREATED", "created_at", moment),
    Column("ID", "id"),
]
ONE = [
    Column("job", "id"),
    Column("kind", "kind"),
    Column("subject", "subject"),
    Column("state", "state"),
    Column("asked by", "requested_by"),
    Column("attempts", "attempts"),
    Column("created", "created_at", moment),
    Column("finished", "finished_at", moment),
    Column("error", "error.message"),
    Column("next step", "error.next_step"),
    Column("result", "result"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    jobs = group(commands, "jobs", "what the server works on", list_jobs)
    add_filters(command(jobs, "list", list_jobs, "the project's jobs, newest first"), *FILTERS)
    for name, run, help_text in (
        ("show", show_job, "one job"),
        ("watch", watch_job, "follow one to its end; exit 1 when it fails"),
        ("cancel", cancel_job, "stop one at its next safe point"),
    ):
        command(jobs, name, run, help_text).add_argument("id", metavar="ID")


def list_jobs(session: Session, args: argparse.Namespace) -> None:
    """The project's jobs."""
    document = session.api.everything(session.path("jobs"), {"ordering": "-created_at", **filters(args, *FILTERS)})
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty="No jobs."))


def show_job(session: Session, args: argparse.Namespace) -> None:
    """One job."""
    _show(session, session.api.get(_path(args)))


def watch_job(session: Session, args: argparse.Namespace) -> None:
    """Follow a job to its end."""
    _show(session, follow(session, session.api.get(_path(args))))


def cancel_job(session: Session, args: argparse.Namespace) -> None:
    """Ask a job to stop."""
    job = session.api.post(f"{_path(args)}/cancel")
    when = ": it stops at its next safe point" if job["state"] == "running" else ""
    session.screen.answer(job, lambda: session.screen.line(f"{clean(job['kind'])} {job['state']}{when}"))


def _path(args: argparse.Namespace) -> str:
    if not is_id(args.id):
        raise UsageError(f"{args.id!r} is no job's id.", next_step="See xenbound jobs list.")
    return f"jobs/{args.id}"


def _show(session: Session, job: dict[str, Any]) -> None:
    def tell() -> None:
        session.screen.fields(job, ONE)
        session.screen.line(progress_line(job))

    session.screen.answer(job, tell)
