"""Declares commands: the options every command has, and those of commands that start a job."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from xenbound_cli.exits import ExitCode
from xenbound_cli.session import Session
from xenbound_cli.waiting import follow

Run = Callable[[Session, argparse.Namespace], ExitCode | None]
Commands = Any
"""What `add_subparsers` gives; argparse has no public name for it."""


def add_everywhere(parser: argparse.ArgumentParser, *, default: Any = argparse.SUPPRESS) -> None:
    """The options that may stand before or behind a command's name."""
    shared = parser.add_argument_group("everywhere")
    shared.add_argument("--json", action="store_true", default=default, dest="as_json", help="print what the API gave")
    shared.add_argument("--quiet", "-q", action="store_true", default=default, help="no progress")
    shared.add_argument("--url", default=default, metavar="URL", help="server (XENBOUND_URL)")
    shared.add_argument("--project", default=default, metavar="NAME", help="project, by name or id (XENBOUND_PROJECT)")
    shared.add_argument("--ca", default=default, metavar="FILE", help="certificates to trust instead of the usual ones")


def command(commands: Commands, name: str, run: Run, help_text: str) -> argparse.ArgumentParser:
    """A command that does something."""
    made: argparse.ArgumentParser = commands.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
    made.set_defaults(run=run)
    add_everywhere(made)
    return made


def group(commands: Commands, name: str, help_text: str, listing: Run | None = None) -> Commands:
    """A noun with commands of its own. The noun alone is its `listing`, or an error when it has none."""
    made = commands.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
    if listing is not None:
        made.set_defaults(run=listing)
        add_everywhere(made)
    return made.add_subparsers(metavar="COMMAND", required=listing is None)


def add_waiting(parser: argparse.ArgumentParser) -> None:
    """Options of a command that starts a job."""
    parser.add_argument("--no-wait", action="store_true", help="print the job and return at once")
    parser.add_argument("--key", default="", metavar="TEXT", help="Idempotency-Key: the same key never starts the work twice")


def add_filters(parser: argparse.ArgumentParser, *names: str) -> None:
    """`--NAME VALUE` for query parameters of a list, and a free-text one."""
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=name.upper(), help=f"only rows with this {name}")
    parser.add_argument("--search", metavar="TEXT", dest="q", help="only rows that contain the text")


def filters(args: argparse.Namespace, *names: str) -> dict[str, str]:
    """The query parameters of `add_filters` that were given."""
    given = {name: getattr(args, name, None) for name in (*names, "q")}
    return {name: value for name, value in given.items() if value is not None}


def start(session: Session, args: argparse.Namespace, path: str, body: Any = None) -> tuple[dict[str, Any], bool]:
    """POST what starts a job and wait unless told not to: the job, and whether it has ended. Raises: Refused, JobFailed."""
    job = session.api.post(session.path(path), body, key=args.key)
    if args.no_wait:
        session.screen.answer(job, lambda: session.screen.line(f"{job['kind']} {job['state']}: job {job['id']}"))
        return job, False
    return follow(session, job), True
