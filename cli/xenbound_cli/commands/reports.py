"""report: have one made and save it as HTML, PDF, spreadsheet or JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from xenbound_cli.commands.grammar import Commands, command
from xenbound_cli.exits import CliError, UsageError
from xenbound_cli.session import Session
from xenbound_cli.waiting import follow

FORMS = ("html", "pdf", "xlsx", "json")


def add(commands: Commands) -> None:
    """Declare the command."""
    report = command(commands, "report", make_report, "have a report made and save it")
    report.add_argument("kind", metavar="KIND", help="readiness or kms")
    report.add_argument(
        "--output",
        "-o",
        action="append",
        metavar="FILE",
        help="FILE.html, FILE.pdf, FILE.xlsx or FILE.json; repeat it; html and pdf unless told",
    )


def make_report(session: Session, args: argparse.Namespace) -> None:
    """Ask for a report, wait, fetch it in the forms the file names ask for."""
    targets = [(Path(name), _form(name)) for name in args.output or (f"{args.kind}.html", f"{args.kind}.pdf")]
    job = follow(session, session.api.post(session.path("reports"), {"kind": args.kind}))
    report_id = job["result"]["report_id"]
    for target, form in targets:
        save(target, session.api.download(session.path(f"reports/{report_id}.{form}")))
        session.screen.note(f"Saved {target}")
    session.screen.answer(job, lambda: session.screen.line(f"Report {report_id} is made."))


def _form(name: str) -> str:
    form = Path(name).suffix.lstrip(".").lower()
    if form not in FORMS:
        raise UsageError(f"{name} does not say which form is wanted.", next_step="End it with .html, .pdf, .xlsx or .json.")
    return form


def save(target: Path, content: bytes) -> None:
    """Write a file in one step: either the whole content is there or the old one. Raises: CliError."""
    partial = target.with_name(f".{target.name}.part")
    try:
        try:
            partial.write_bytes(content)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise CliError(f"{target} cannot be written: {error.strerror}.", next_step="Name another file with -o.") from error
