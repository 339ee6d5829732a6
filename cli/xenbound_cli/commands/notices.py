"""notices: who is told what happens in the project. A webhook's secret is shown once, when its receiver is added."""

from __future__ import annotations

import argparse

from xenbound_cli.commands.grammar import Commands, add_waiting, command, group, start
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import clean, moment

TARGETS = [
    Column("NAME", "name"),
    Column("KIND", "kind"),
    Column("ADDRESS", "address"),
    Column("EVENTS", "events"),
    Column("ON", "enabled"),
]
DELIVERIES = [
    Column("ASKED FOR", "created_at", moment),
    Column("EVENT", "event"),
    Column("TO", "target_name"),
    Column("STATE", "state"),
    Column("TRIES", "attempts"),
    Column("ANSWER", "http_status"),
    Column("WHY", "error"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    notices = group(commands, "notices", "who is told what happens in the project")
    command(notices, "list", list_targets, "the receivers")
    hook = command(notices, "add-webhook", add_webhook, "tell a URL; its signing secret is shown once")
    hook.add_argument("hook_url", metavar="URL", help="https://host/path")
    hook.add_argument("--tls-sha256", default="", metavar="AA:BB:..", help="the one certificate to accept, for a private CA")
    mail = command(notices, "add-mail", add_mail, "tell people by mail")
    mail.add_argument("addresses", nargs="+", metavar="ADDRESS")
    for parser in (hook, mail):
        parser.add_argument("--name", required=True, metavar="NAME", help="how the receiver is called here")
        parser.add_argument("--event", action="append", required=True, dest="events", metavar="EVENT", help="alarm.opened, ...")
    tested = command(notices, "test", test, "send a notice that says nothing but that it arrives")
    add_waiting(tested)
    removed = command(notices, "remove", remove, "tell a receiver nothing any more")
    for parser in (tested, removed):
        parser.add_argument("name", metavar="RECEIVER", help="name or id")
    command(notices, "deliveries", deliveries, "what was told, and whether it arrived")


def list_targets(session: Session, args: argparse.Namespace) -> None:
    """The receivers by name."""
    document = session.api.everything(session.path("notice-targets"), {})
    session.screen.answer(document, lambda: session.screen.table(document["results"], TARGETS, empty="Nobody is told anything."))


def add_webhook(session: Session, args: argparse.Namespace) -> None:
    """Add a URL and show its secret."""
    asked = {"kind": "webhook", "name": args.name, "url": args.hook_url, "events": args.events, "tls_sha256": args.tls_sha256}
    made = session.api.post(session.path("notice-targets"), asked)
    text = f"Added {clean(made['name'])}. Its signing secret, shown this once: {made['secret']}"
    session.screen.answer(made, lambda: session.screen.line(text))


def add_mail(session: Session, args: argparse.Namespace) -> None:
    """Add mail addresses."""
    asked = {"kind": "email", "name": args.name, "addresses": args.addresses, "events": args.events}
    made = session.api.post(session.path("notice-targets"), asked)
    session.screen.answer(made, lambda: session.screen.line(f"Added {clean(made['name'])}: {clean(made['address'])}."))


def test(session: Session, args: argparse.Namespace) -> None:
    """Send a test."""
    target = find(session, "notice-targets", args.name, what="receiver")
    start(session, args, f"notice-targets/{target['id']}/test")


def remove(session: Session, args: argparse.Namespace) -> None:
    """Remove a receiver with its deliveries."""
    target = find(session, "notice-targets", args.name, what="receiver")
    session.api.delete(session.path(f"notice-targets/{target['id']}"))
    session.screen.line(f"Receiver {clean(target['name'])} is removed.")


def deliveries(session: Session, args: argparse.Namespace) -> None:
    """Deliveries, newest first."""
    document = session.api.everything(session.path("notice-deliveries"), {})
    session.screen.answer(document, lambda: session.screen.table(document["results"], DELIVERIES, empty="Nothing was told yet."))
