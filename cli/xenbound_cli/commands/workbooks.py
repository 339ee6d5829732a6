"""estate and questions: workbooks that go out to people and come back filled in."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from xenbound_cli.commands.grammar import Commands, command, group
from xenbound_cli.exits import UsageError
from xenbound_cli.session import Session
from xenbound_cli.texts import clean, count


def add(commands: Commands) -> None:
    """Declare the commands."""
    _pair(
        group(commands, "estate", "what shall become of the machines, as a workbook to fill in"), "estate.xlsx", "estate", _estate
    )
    questions = group(commands, "questions", "what no source answers, as a workbook for those who know")
    _pair(questions, "attestations.xlsx", "attestations/workbook", _answers)


def _pair(commands: Commands, out: str, back: str, told: Callable[[dict[str, Any]], str]) -> None:
    exported = command(commands, "export", partial(export, out), "save the workbook")
    exported.add_argument("file", type=Path, metavar="FILE")
    exported.add_argument("--force", action="store_true", help="write over an existing file")
    imported = command(commands, "import", partial(take_back, back, told), "send it back; all of it is taken or nothing")
    imported.add_argument("file", type=Path, metavar="FILE")
    imported.add_argument("--dry-run", action="store_true", help="say what it would change, and change nothing")


def export(path: str, session: Session, args: argparse.Namespace) -> None:
    """Save it under the name given."""
    if args.file.exists() and not args.force:
        raise UsageError(f"{args.file} exists.", next_step="Name another file, or give --force.")
    content = session.api.download(session.path(path))
    try:
        args.file.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{args.file} cannot be written: {error.strerror}.") from error
    session.screen.answer({"file": str(args.file)}, lambda: session.screen.line(f"Saved {args.file}."))


def take_back(path: str, told: Callable[[dict[str, Any]], str], session: Session, args: argparse.Namespace) -> None:
    """Send it; wrong cells are the server's refusal, each with its place."""
    if not args.file.is_file():
        raise UsageError(f"{args.file} is no file.", next_step="Name the workbook that was filled in.")
    taken = session.api.send_file(session.path(path) + ("?dry_run=true" if args.dry_run else ""), args.file)

    def tell() -> None:
        for change in taken.get("changes", ()):
            session.screen.line(f"{change['sheet']}: {clean(change['name'])} {clean(change['what'])}")
        session.screen.line(told(taken) + (" (nothing was written)" if taken["dry_run"] else ""))

    session.screen.answer(taken, tell)


def _estate(taken: dict[str, Any]) -> str:
    added, changed = taken["applications_added"], taken["applications_changed"]
    return f"{count(taken['machines_changed'], 'machine')} decided, {count(added, 'application')} added, {changed} changed"


def _answers(taken: dict[str, Any]) -> str:
    return f"{count(taken['statements'], 'statement')} about {count(taken['subjects'], 'subject')}"
