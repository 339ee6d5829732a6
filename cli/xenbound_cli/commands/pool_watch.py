"""watch: is a pool looked at all the time, and what has it lost? Exit 3 while an alarm is open."""

from __future__ import annotations

import argparse

from xenbound_cli.commands.grammar import Commands, command, group
from xenbound_cli.exits import ExitCode
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import clean, count, moment

ALARMS = [
    Column("SINCE", "opened_at", moment),
    Column("KIND", "kind"),
    Column("WHAT", "path"),
    Column("WAS", "before"),
    Column("IS", "after"),
    Column("OVER", "closed_at", moment),
    Column("DETAIL", "detail"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    watch = group(commands, "watch", "is a pool looked at all the time, and what has it lost?")
    switched = command(watch, "set", switch, "look at a pool all the time, or do so no more")
    shown = command(watch, "alarms", alarms, "what a pool has lost; exit 3 while an alarm is open")
    accepted = command(watch, "accept", accept, "say that the pool stays as it is: its open alarms close")
    for parser in (switched, shown, accepted):
        parser.add_argument("pool", metavar="POOL", help="name or id")
    switched.add_argument("switch", choices=("on", "off"))
    shown.add_argument("--all", action="store_true", dest="closed_too", help="show those that are over, too")
    accepted.add_argument("--reason", required=True, metavar="TEXT", help="why it stays so")


def switch(session: Session, args: argparse.Namespace) -> None:
    """Switch the watch of a pool."""
    pool = find(session, "pools", args.pool, what="pool")
    watch = session.api.post(session.path(f"pools/{pool['id']}/watch"), {"enabled": args.switch == "on"})
    told = "is watched from now on" if watch["enabled"] else "is not watched any more"
    session.screen.answer(watch, lambda: session.screen.line(f"Pool {clean(pool['name'])} {told}."))


def alarms(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """The alarms, newest first."""
    pool = find(session, "pools", args.pool, what="pool")
    wanted = {} if args.closed_too else {"closed_at__isnull": "true"}
    document = session.api.everything(session.path(f"pools/{pool['id']}/alarms"), wanted)
    rows = document["results"]
    session.screen.answer(document, lambda: session.screen.table(rows, ALARMS, empty="No alarm is open."))
    return ExitCode.NOT_READY if any(row["closed_at"] is None for row in rows) else None


def accept(session: Session, args: argparse.Namespace) -> None:
    """Close what a word can close."""
    pool = find(session, "pools", args.pool, what="pool")
    closed = session.api.post(session.path(f"pools/{pool['id']}/alarms/accept"), {"reason": args.reason})
    session.screen.answer(closed, lambda: session.screen.line(f"{count(len(closed), 'alarm')} closed."))
