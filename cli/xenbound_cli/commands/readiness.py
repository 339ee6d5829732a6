"""readiness: would the pool's high availability hold? Exit 3 while the verdict is not ready."""

from __future__ import annotations

import argparse
from typing import Any

from xenbound_cli.commands.grammar import Commands, add_waiting, command, group, start
from xenbound_cli.exits import ExitCode
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import clean, count, moment

GOOD = frozenset({"ready", "ready_with_waivers"})
CHECKS = [
    Column("CHECK", "id"),
    Column("RESULT", "result"),
    Column("BLOCKS", "blocks"),
    Column("WHAT", "title"),
    Column("DETAIL", "detail"),
]
FAULTS = [
    Column("IF THIS FAILS", "subject"),
    Column("KIND", "kind"),
    Column("RESULT", "result"),
    Column("HOSTS FENCED", "hosts_fenced"),
    Column("VMS LOST", "vms_lost"),
]
QUIET_RESULTS = frozenset({"pass", "not_applicable"})


def add(commands: Commands) -> None:
    """Declare the commands."""
    readiness = group(commands, "readiness", "would the pool's high availability hold?")
    evaluated = command(readiness, "evaluate", evaluate, "judge the pool now; exit 3 when it is not ready")
    evaluated.add_argument("--no-collect", action="store_true", help="judge on the facts read last")
    add_waiting(evaluated)
    shown = command(readiness, "show", show, "the newest verdict; exit 3 when it is not ready")
    for parser in (evaluated, shown):
        parser.add_argument("pool", metavar="POOL", help="name or id")
        parser.add_argument("--all", action="store_true", dest="all_checks", help="show passed checks too")


def evaluate(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Ask for a verdict and show it."""
    pool = find(session, "pools", args.pool, what="pool")
    _, ended = start(session, args, f"pools/{pool['id']}/readiness", {"collect": not args.no_collect})
    return _show(session, args, pool) if ended else None


def show(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """The newest verdict."""
    return _show(session, args, find(session, "pools", args.pool, what="pool"))


def _show(session: Session, args: argparse.Namespace, pool: dict[str, Any]) -> ExitCode | None:
    verdict = session.api.get(session.path(f"pools/{pool['id']}/readiness"))
    session.screen.answer(verdict, lambda: _tell(session, args, pool, verdict))
    return None if verdict["verdict"] in GOOD else ExitCode.NOT_READY


def _tell(session: Session, args: argparse.Namespace, pool: dict[str, Any], verdict: dict[str, Any]) -> None:
    word = verdict["verdict"].replace("_", " ")
    session.screen.line(f"Pool {clean(pool['name'])} is {word}; judged {moment(verdict['evaluated_at'])}.")
    for reason in verdict["reasons"]:
        session.screen.line(f"{reason['code']} {reason['subject']}: {reason['detail']}")
        for step in reason["remedy"]:
            session.screen.line(f"  remedy: {step}")
    checks = [check for check in verdict["checks"] if args.all_checks or check["result"] not in QUIET_RESULTS]
    session.screen.table(checks, CHECKS, empty="Every check passed.")
    hidden = len(verdict["checks"]) - len(checks)
    if hidden:
        session.screen.line(f"{count(hidden, 'check')} passed or not applicable; --all shows them.")
    if verdict["simulated_faults"]:
        session.screen.table(verdict["simulated_faults"], FAULTS)
