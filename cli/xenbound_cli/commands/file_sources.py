"""source add-workbook, add-package, upload: sources that are files. Collecting them is the same as for a server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from xenbound_cli.commands.grammar import Commands, command
from xenbound_cli.exits import CliError, UsageError
from xenbound_cli.lookup import find
from xenbound_cli.session import Session
from xenbound_cli.texts import clean


def add(sources: Commands) -> None:
    """Declare the commands below `source`."""
    workbook = command(sources, "add-workbook", add_workbook, "add what RVTools exported (.xlsx, or a zip of its CSV files)")
    workbook.add_argument("file", type=Path, metavar="FILE")
    workbook.add_argument("--name", metavar="NAME", help="how it is called here; the file's name unless told")
    package = command(sources, "add-package", add_package, "add an OVF package that lies in the server's import folder")
    package.add_argument("path", metavar="PATH", help=".ova file, or .ovf file or folder, relative to the import folder")
    package.add_argument("--name", metavar="NAME", help="how it is called here; its path unless told")
    newer = command(sources, "upload", upload_workbook, "give a workbook source a newer export")
    newer.add_argument("name", metavar="SOURCE", help="name or id")
    newer.add_argument("file", type=Path, metavar="FILE")


def add_workbook(session: Session, args: argparse.Namespace) -> None:
    """Make the source, then upload the file. A refused file leaves a source that can be given another one."""
    _require_file(args.file)
    made = session.api.post(session.path("sources"), {"kind": "rvtools", "name": args.name or args.file.name})
    try:
        _uploaded(session, made, args.file)
    except CliError as refused:
        refused.next_step = f"{refused.next_step} The source stands: xenbound source upload {made['id']} FILE.".strip()
        raise


def add_package(session: Session, args: argparse.Namespace) -> None:
    """Name a package; nothing is read before it is collected."""
    made = session.api.post(session.path("sources"), {"kind": "ova", "path": args.path, "name": args.name or args.path[-200:]})
    session.screen.answer(made, lambda: session.screen.line(f"Added package {clean(made['name'])}. {_next(made)}"))


def upload_workbook(session: Session, args: argparse.Namespace) -> None:
    """Replace the workbook that the next collection reads."""
    _require_file(args.file)
    _uploaded(session, find(session, "sources", args.name, what="source"), args.file)


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise UsageError(f"{file} is no file.", next_step="Name the workbook that RVTools exported.")


def _uploaded(session: Session, source: dict[str, Any], file: Path) -> None:
    kept = session.api.send_file(session.path(f"sources/{source['id']}/workbook"), file)
    session.screen.answer(kept, lambda: session.screen.line(f"{clean(kept['name'])} has {file.name}. {_next(kept)}"))


def _next(source: dict[str, Any]) -> str:
    return f"Next: xenbound source collect {source['id']}"
