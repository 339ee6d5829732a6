"""wave: prepare its machines, ask and sign its gate, cut it over, roll it back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from xenbound_cli.commands.grammar import Commands, add_waiting, command, group, start
from xenbound_cli.exits import CliError, ExitCode, UsageError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import cell, clean, count, moment

LIST = [
    Column("NAME", "name"),
    Column("NUMBER", "number"),
    Column("PLAN IS", "plan_state"),
    Column("MADE", "created_at", moment),
    Column("ID", "id"),
]
MACHINES = [Column("MACHINE", "name"), Column("TEMPLATE", "placement.template_name"), Column("FIRMWARE", "placement.firmware")]

PAPER = {
    "signatory": "who signed it",
    "organisation": "for whom",
    "signed_on": "the day, as 2026-11-30",
    "answer_code": "the code of the answer that it names",
}


def add(commands: Commands) -> None:
    """Declare the commands."""
    wave = group(commands, "wave", "waves of machines that cut over together", list_waves)
    command(wave, "list", list_waves, "the project's waves")
    asked = _of_wave(wave, "gate", ask_gate, "may it cut over? asked on facts read now; exit 3 when closed")
    asked.add_argument("--last", action="store_true", help="show the newest answer instead of asking")
    add_waiting(asked)
    add_waiting(_of_wave(wave, "preflight", look_before, "look at both sides before the first byte; exit 3 when something fails"))
    add_waiting(_of_wave(wave, "start", start_wave, "make its machines in the pool, halted and blocked"))
    add_waiting(_of_wave(wave, "retry", retry_wave, "take up what failed before its VM was started, or was never begun"))
    for name, run, help_text in (
        ("cutover", cut_over, "sources off, disks copied and proven, machines started"),
        ("rollback", roll_back, "machines in the pool off and blocked, sources as they were"),
    ):
        parser = _of_wave(wave, name, run, help_text)
        parser.add_argument("--yes", action="store_true", help="do not ask at the terminal")
        add_waiting(parser)
    signing = _of_wave(wave, "sign", sign_gate, "put your name under an open gate, as somebody who did not ask it")
    signing.add_argument("--document", type=Path, metavar="FILE", help="what a customer without a login signed: PDF, PNG or JPEG")
    for name, help_text in PAPER.items():
        signing.add_argument(f"--{name.replace('_', '-')}", metavar=name.upper(), help=f"with --document: {help_text}")
    _of_wave(wave, "show", show_wave, "its machines")


def _of_wave(commands: Commands, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    parser = command(commands, name, run, help_text)
    parser.add_argument("wave", metavar="WAVE", help="name or id")
    return parser


def _find(session: Session, args: argparse.Namespace) -> dict[str, Any]:
    return find(session, "waves", args.wave, what="wave")


def list_waves(session: Session, args: argparse.Namespace) -> None:
    """The project's waves, newest first."""
    document = session.api.everything(session.path("waves"))
    empty = "No wave yet: a plan makes them."
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty=empty))


def show_wave(session: Session, args: argparse.Namespace) -> None:
    """One wave and its machines."""
    wave = _find(session, args)

    def tell() -> None:
        session.screen.line(f"Wave {clean(wave['name'])} of a plan that is {wave['plan_state']}: {wave['id']}")
        session.screen.table(wave["machines"], MACHINES, empty="No machine is in this wave.")

    session.screen.answer(wave, tell)


def start_wave(session: Session, args: argparse.Namespace) -> None:
    """Prepare the machines."""
    _conduct(session, args, _find(session, args), "start")


def retry_wave(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Prepare again what failed."""
    return _conduct(session, args, _find(session, args), "retry")


def look_before(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Show what fails and what is unknown; `--json` has what passes too."""
    wave = _find(session, args)
    job, ended = start(session, args, f"waves/{wave['id']}/preflight")
    if not ended:
        return None
    result = job.get("result") or {}
    looks = [look for look in result.get("looks", []) if look["result"] != "pass"]

    def tell() -> None:
        session.screen.line(f"{clean(wave['name'])}: {cell(result.get('counts')) or 'nothing to look at'}")
        for look in looks:
            session.screen.line(f"{look['result']} {look['code']} {clean(look['subject'])}: {clean(look['detail'])}")
            session.screen.line(f"  next: {clean(look['next_step'])}")

    session.screen.answer(job, tell)
    return ExitCode.NOT_READY if any(look["result"] == "fail" for look in looks) else None


def cut_over(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Cut the wave over; refused with exit 3 while the gate is closed, stale or unsigned."""
    wave = _find(session, args)
    machines = count(len(wave["machines"]), "source machine")
    _agree(session, args, f"Cut over {clean(wave['name'])}? {machines} will be shut down. Type yes: ")
    return _conduct(session, args, wave, "cutover")


def roll_back(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Roll the wave back."""
    wave = _find(session, args)
    _agree(
        session, args, f"Roll back {clean(wave['name'])}? What its machines wrote in the pool since then stays behind. Type yes: "
    )
    return _conduct(session, args, wave, "rollback")


def _agree(session: Session, args: argparse.Namespace, question: str) -> None:
    """At a terminal a person is asked; a script has said what it wants by its command."""
    if args.yes or not session.shell.is_interactive:
        return
    if session.shell.ask(question, instead="--yes").casefold() != "yes":
        raise CliError("Nothing was started.")


def _conduct(session: Session, args: argparse.Namespace, wave: dict[str, Any], verb: str) -> ExitCode | None:
    """Run one verb of the wave. Failed when machines stayed behind."""
    job, ended = start(session, args, f"waves/{wave['id']}/{verb}")
    if not ended:
        return None
    result = job.get("result") or {}
    left_behind = result.get("left_behind") or []

    def tell() -> None:
        session.screen.line(f"{clean(wave['name'])}: {cell(result.get('conversions'))}")
        for name in left_behind:
            session.screen.line(f"stayed behind: {name}; see xenbound conversions show {clean(name)}")
        for name in result.get("unprotected", ()):
            session.screen.line(f"runs, but HA does not protect it: {clean(name)}; see xenbound conversions show {clean(name)}")

    session.screen.answer(job, tell)
    return ExitCode.FAILED if left_behind else None


def ask_gate(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Ask the gate, show its answer, exit 3 when it is closed."""
    wave = _find(session, args)
    if not args.last and not start(session, args, f"waves/{wave['id']}/gate")[1]:
        return None
    answer = session.api.get(session.path(f"waves/{wave['id']}/gate"))
    session.screen.answer(answer, lambda: _tell_gate(session, wave, answer))
    return None if answer["state"] == "open" else ExitCode.NOT_READY


def _tell_gate(session: Session, wave: dict[str, Any], answer: dict[str, Any]) -> None:
    signed = f"signed by {answer['signed_by_name']}" if answer.get("signed_at") else f"not signed{_code(answer)}"
    about = f" with {count(len(answer['reasons']), 'reason')}" if answer["reasons"] else f", {signed}"
    session.screen.line(f"The gate of {clean(wave['name'])} is {answer['state']}{about}; decided {moment(answer['decided_at'])}.")
    since = answer.get("since_last")
    if since:
        moved = f"{count(len(since['came']), 'reason')} came, {len(since['went'])} went"
        session.screen.line(f"Since the answer of {moment(since['decided_at'])} ({since['state']}): {moved}.")
        for reason in since["went"]:
            session.screen.line(f"gone: {reason['code']} {reason['subject']}")
    for kind, reasons in (("", answer["reasons"]), ("warning: ", answer.get("warnings", []))):
        for reason in reasons:
            session.screen.line(f"{kind}{reason['code']} {reason['subject']}: {reason['detail']}")
            if reason["remedy"]:
                session.screen.line(f"  remedy: {reason['remedy']}")


def _code(answer: dict[str, Any]) -> str:
    code = answer.get("answer_code", "")
    return f" (code {code})" if code and answer["state"] == "open" else ""


def sign_gate(session: Session, args: argparse.Namespace) -> None:
    """Sign the newest answer, or hand in the document that a customer signed."""
    paper = {name: given for name in PAPER if (given := getattr(args, name)) is not None}
    if len(paper) != (len(PAPER) if args.document else 0):
        raise UsageError(
            "A document needs --document, --signatory, --organisation, --signed-on and --answer-code.",
            next_step="The code stands in `xenbound wave gate WAVE --last` and in the readiness report.",
        )
    wave = _find(session, args)
    path = session.path(f"waves/{wave['id']}/gate")
    api = session.api
    signed = api.send_file(f"{path}/document", args.document, paper) if args.document else api.post(f"{path}/sign")
    told = f"The open gate of {wave['name']} is signed by {signed['signed_by_name']}. Next: xenbound wave cutover {wave['id']}"
    session.screen.answer(signed, lambda: session.screen.line(told))
