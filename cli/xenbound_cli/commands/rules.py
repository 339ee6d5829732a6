"""rules: what is asked of the estate, and the project's own rules from a file."""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

from xenbound_cli.commands.grammar import Commands, add_waiting, command, group, start
from xenbound_cli.exits import UsageError
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import clean

RULES = [
    Column("RULE", "id"),
    Column("SEVERITY", "severity"),
    Column("OF", "subject"),
    Column("OWN", "own"),
    Column("WHAT", "title"),
]
FIELDS = [Column("FIELD", "path"), Column("KIND", "kind"), Column("UNIT", "unit"), Column("COMPARISONS", "comparisons")]
TRIED = [Column("RESULT", "result"), Column("NAME", "name"), Column("SUBJECT", "subject")]


def add(commands: Commands) -> None:
    """Declare the commands."""
    rules = group(commands, "rules", "the rules asked in the project, its own among them", list_rules)
    listed = command(rules, "list", list_rules, "every rule that is asked")
    listed.add_argument("--own", action="store_true", help="only the project's own")
    fields = command(rules, "fields", list_fields, "the fields that a rule of your own can ask")
    fields.add_argument("--subject", default="machine", metavar="KIND", help="machine (unless told), host, cluster, source, pool")
    for name, run, words in (
        ("add", add_rule, "add the rule a TOML or JSON file describes; the estate is assessed again"),
        ("try", try_rule, "see on what such a rule would stand; nothing is kept"),
    ):
        parser = command(rules, name, run, words)
        parser.add_argument("file", type=Path, metavar="FILE")
        if run is try_rule:
            add_waiting(parser)
    for name, run, words in (("off", switch_off, "do not ask it any more"), ("on", switch_on, "ask it again")):
        command(rules, name, run, words).add_argument("rule", metavar="RULE", help="id, as in OWN-BACKUP")


def list_rules(session: Session, args: argparse.Namespace) -> None:
    """The catalogue's rules and the project's own."""
    document = session.api.get(session.path("rules"))
    if getattr(args, "own", False):
        document["results"] = [row for row in document["results"] if row["own"]]
        document["count"] = len(document["results"])
    session.screen.answer(document, lambda: session.screen.table(document["results"], RULES, empty="No rule of your own yet."))


def list_fields(session: Session, args: argparse.Namespace) -> None:
    """What can be asked, and how."""
    rows = session.api.get(session.path("rules/fields"), {"subject": args.subject})
    session.screen.answer(rows, lambda: session.screen.table(rows, FIELDS))


def add_rule(session: Session, args: argparse.Namespace) -> None:
    """Send the file's rule."""
    made = session.api.post(session.path("rules"), _definition(args.file))
    session.screen.answer(made, lambda: session.screen.line(f"{clean(made['id'])} is asked from now on."))


def try_rule(session: Session, args: argparse.Namespace) -> None:
    """Send it to be tried, and show what it found."""
    job, ended = start(session, args, "rules/try", _definition(args.file))
    if not ended:
        return
    told = job["result"]

    def tell() -> None:
        session.screen.table(told["subjects"], TRIED, empty="It stands against nothing.")
        session.screen.line(f"true on {told['true']}, unknown on {told['unknown']}")

    session.screen.answer(told, tell)


def switch_off(session: Session, args: argparse.Namespace) -> None:
    """Its versions stay readable."""
    _switch(session, args.rule, active=False)


def switch_on(session: Session, args: argparse.Namespace) -> None:
    """As it was when it was switched off."""
    _switch(session, args.rule, active=True)


def _switch(session: Session, rule: str, *, active: bool) -> None:
    row = session.api.patch(session.path(f"rules/{rule}"), {"active": active})
    told = "asked from now on" if active else "not asked any more"
    session.screen.answer(row, lambda: session.screen.line(f"{clean(row['id'])} is {told}."))


def _definition(file: Path) -> dict[str, Any]:
    """What a file says a rule is. Raises: UsageError."""
    try:
        text = file.read_text(encoding="utf-8")
        said = json.loads(text) if file.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} cannot be read as a rule: {error}.", next_step="Write TOML, or JSON in a .json file.") from None
    if not isinstance(said, dict):
        raise UsageError(
            f"{file} holds no rule.", next_step="Write its members: id, field, comparison, value, severity, title, ..."
        )
    return said
