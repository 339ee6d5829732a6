"""audit: read the log, and have its chain verified. Exit 1 when the chain is broken."""

from __future__ import annotations

import argparse

from xenbound_cli.commands.grammar import Commands, add_filters, command, filters, group
from xenbound_cli.exits import ExitCode
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import count, moment

FILTERS = ("action", "actor", "subject", "since", "until")
LIST = [
    Column("N", "number"),
    Column("AT", "at", moment),
    Column("WHO", "actor"),
    Column("WHAT", "action"),
    Column("SUBJECT", "subject"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    audit = group(commands, "audit", "who changed what, in an unbroken chain", list_entries)
    add_filters(command(audit, "list", list_entries, "the log, oldest first"), *FILTERS)
    command(audit, "verify", verify, "was an entry changed or removed? exit 1 when the chain is broken")


def list_entries(session: Session, args: argparse.Namespace) -> None:
    """The project's audit log."""
    document = session.api.everything(session.path("audit"), filters(args, *FILTERS))
    session.screen.answer(
        document, lambda: session.screen.table(document["results"], LIST, empty="Nothing was written down yet.")
    )


def verify(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Let the server walk the chain."""
    verdict = session.api.get(session.path("audit/verify"))
    entries = count(verdict["entries"], "entry", "entries")
    if verdict["whole"]:
        told = f"The chain is whole: {entries}. Keep its head elsewhere: {verdict['head']}"
    else:
        told = f"THE CHAIN IS BROKEN at entry {verdict['broken_at']} of {verdict['entries']}: {verdict['reason']}"
    session.screen.answer(verdict, lambda: session.screen.line(told))
    return None if verdict["whole"] else ExitCode.FAILED
