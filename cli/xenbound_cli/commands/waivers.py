"""waiver: a named risk, asked for by one person and accepted by another."""

from __future__ import annotations

import argparse

from xenbound_cli.commands.grammar import Commands, add_filters, command, filters, group
from xenbound_cli.exits import UsageError
from xenbound_cli.screen import Column
from xenbound_cli.session import Session, is_id
from xenbound_cli.texts import moment

FILTERS = ("rule_id", "check_id", "subject")
LIST = [
    Column("RULE", "rule_id"),
    Column("CHECK", "check_id"),
    Column("SUBJECT", "subject"),
    Column("STATE", "state"),
    Column("ASKED BY", "requested_by"),
    Column("ACCEPTED BY", "approved_by"),
    Column("UNTIL", "expires_at", moment),
    Column("ID", "id"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    waiver = group(commands, "waiver", "risks somebody accepts", list_waivers)
    add_filters(command(waiver, "list", list_waivers, "the project's waivers"), *FILTERS)
    request = command(waiver, "request", request_waiver, "ask for a risk to be accepted")
    which = request.add_mutually_exclusive_group(required=True)
    which.add_argument("--rule", metavar="ID", help="an assessment rule")
    which.add_argument("--check", metavar="ID", help="a readiness check or a named risk")
    request.add_argument("--subject", required=True, metavar="TEXT", help="a machine's id, a pool, wave:ID")
    request.add_argument("--reason", required=True, metavar="TEXT")
    request.add_argument("--expires-at", required=True, metavar="TIME", help="ISO 8601 with a zone")
    approve = command(waiver, "approve", approve_waiver, "accept it, as an approver who did not ask")
    approve.add_argument("id", metavar="ID")


def list_waivers(session: Session, args: argparse.Namespace) -> None:
    """Waivers, newest first."""
    document = session.api.everything(session.path("waivers"), filters(args, *FILTERS))
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty="No risk was accepted."))


def request_waiver(session: Session, args: argparse.Namespace) -> None:
    """Ask for a waiver."""
    about = {"rule_id": args.rule} if args.rule else {"check_id": args.check}
    body = {**about, "subject": args.subject, "reason": args.reason, "expires_at": args.expires_at}
    made = session.api.post(session.path("waivers"), body)
    told = f"Asked. Somebody else accepts it: xenbound waiver approve {made['id']}"
    session.screen.answer(made, lambda: session.screen.line(told))


def approve_waiver(session: Session, args: argparse.Namespace) -> None:
    """Accept the risk as the second person."""
    if not is_id(args.id):
        raise UsageError(f"{args.id!r} is no waiver's id.", next_step="See xenbound waiver list.")
    accepted = session.api.post(session.path(f"waivers/{args.id}/approve"))
    told = f"{accepted['check_id'] or accepted['rule_id']} for {accepted['subject']} is accepted by {accepted['approved_by']}."
    session.screen.answer(accepted, lambda: session.screen.line(told))
