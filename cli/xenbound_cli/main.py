"""Reads a command line, runs its command, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import cache

from xenbound_cli import __version__, config
from xenbound_cli.commands import (
    audit,
    batches,
    campaigns,
    conversions,
    endpoints,
    estate,
    evidence,
    inventories,
    jobs,
    kms,
    notices,
    plans,
    pool_watch,
    projects,
    readiness,
    reports,
    rules,
    running,
    signin,
    waivers,
    waves,
    workbooks,
)
from xenbound_cli.commands.grammar import add_everywhere
from xenbound_cli.exits import CliError, ExitCode
from xenbound_cli.screen import Screen
from xenbound_cli.session import Session
from xenbound_cli.shell import Shell

MODULES = (
    signin, projects, endpoints, inventories, estate, workbooks, rules, plans, batches, waves, conversions, running, readiness,
    campaigns, pool_watch, evidence, waivers, kms, notices, reports, jobs, audit,
)  # fmt: skip
NOT_UNDERSTOOD = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)
"""What reading an answer of another shape than expected raises; the rim is the one place that catches it."""
CODES = "exit codes: 0 done, 1 failed, 2 usage, 3 gate closed or not ready, 4 cannot reach or not allowed"


@cache
def build_parser() -> argparse.ArgumentParser:
    """The whole grammar of the command."""
    parser = argparse.ArgumentParser(prog="xenbound", description="Drive a Xenbound server.", epilog=CODES, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"xenbound {__version__}")
    add_everywhere(parser, default=None)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in MODULES:
        module.add(commands)
    return parser


def main(argv: Sequence[str], shell: Shell | None = None) -> int:
    """Run one command line; the exit code. Prints, never raises but for BrokenPipeError."""
    shell = shell or Shell()
    try:
        args = build_parser().parse_args(argv)
    except SystemExit as leaving:  # argparse has said why
        return int(leaving.code or 0)
    screen = Screen(shell.stdout, shell.stderr, as_json=bool(args.as_json), quiet=bool(args.quiet))
    try:
        return int(_run(args, shell, screen))
    except CliError as error:
        screen.error(error)
        return int(error.exit_code)
    except KeyboardInterrupt:
        screen.note("interrupted")
        return int(ExitCode.INTERRUPTED)
    except NOT_UNDERSTOOD as error:
        screen.error(_not_understood(error))
        return int(ExitCode.FAILED)


def _run(args: argparse.Namespace, shell: Shell, screen: Screen) -> ExitCode:
    path = config.config_file(shell.environ)
    stored = config.read(path)
    if warning := config.exposure(path):
        screen.note(warning)
    chosen = {name: getattr(args, name) or "" for name in ("url", "project", "ca")}
    session = Session(shell, screen, config.effective(stored, shell.environ, **chosen), path)
    try:
        result: ExitCode | None = args.run(session, args)
        return ExitCode.DONE if result is None else result
    finally:
        session.close()


def _not_understood(error: Exception) -> CliError:
    return CliError(
        f"An answer of the server was not understood ({type(error).__name__}: {error}).",
        code="answer_not_understood",
        next_step=f"This is xenbound {__version__}; the server may be of another version. Often --json still works.",
    )
