"""kms upload, readings, withdraw, guests, guest-upload, recommend: files of KMS hosts and guests, what they say, what to do."""

from __future__ import annotations

import argparse
from typing import Any
from urllib.parse import quote, urlencode

from xenbound_cli.commands.evidence import read_file
from xenbound_cli.commands.grammar import Commands, command
from xenbound_cli.exits import ExitCode
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import cell, clean, moment
from xenbound_cli.waiting import follow

GUESTS = [
    Column("GUEST", "name"),
    Column("STAGE", "stage"),
    Column("ALARM", "alarm"),
    Column("DAYS LEFT", "days_left"),
    Column("LASTS", "lasts"),
    Column("ASKED", "contacted_at", moment),
    Column("CHANNEL", "channel"),
    Column("SURE", "confidence"),
    Column("PROBLEM", "channel_problem"),
]
READINGS = [
    Column("COLLECTED", "collected_at", moment),
    Column("COUNT", "current_count"),
    Column("REQUESTS", "contacts"),
    Column("QUALITY", "quality"),
    Column("FORMAT", "format"),
    Column("BY", "uploaded_by"),
    Column("WITHDRAWN", "withdrawn"),
    Column("UPLOAD", "upload"),
]
COLLECTED_AT = "when the file was written, ISO 8601 in that computer's own zone; needed for all but JSON"


def add(kms: Commands) -> None:
    """Declare the commands below `kms`."""
    uploaded = command(kms, "upload", upload, "upload what a KMS host says: the script's JSON, slmgr's text, its event log")
    uploaded.add_argument("host", metavar="HOST", help="name or id")
    _of_a_file(uploaded)
    command(kms, "readings", show_readings, "what was read of a KMS host, newest first").add_argument(
        "host", metavar="HOST", help="name or id"
    )
    taken = command(kms, "withdraw", withdraw, "count an upload for nothing: it was told a wrong time, or is of something else")
    taken.add_argument("upload", metavar="UPLOAD", help="its id, of `kms readings` or of the job that read it")
    taken.add_argument("--reason", required=True, metavar="TEXT", help="what is wrong with it")
    command(kms, "guests", show_guests, "each Windows guest since its move; exit 3 while one is critical").add_argument(
        "--until", metavar="TIME", help="say of each whether it lasts until then, ISO 8601 with a zone"
    )
    command(kms, "recommend", show_recommendation, "KMS with these hosts, Active Directory, or MAK, with the arithmetic")
    about = command(kms, "guest-upload", upload_guests, "upload how guests are activated: JSON, slmgr's text, VAMT's CSV")
    _of_a_file(about)
    about.add_argument("--computer", metavar="NAME", help="the guest's name, for slmgr's text, which names none")


def _of_a_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="as it was written; what it is is found by its content")
    parser.add_argument("--collected-at", metavar="TIME", help=COLLECTED_AT)
    parser.add_argument("--no-wait", action="store_true", help="print the job and return at once")


def upload(session: Session, args: argparse.Namespace) -> None:
    """Send a KMS host's file as it is; the server reads it."""
    content = read_file(args.file)
    host = find(session, "kms/hosts", args.host, what="KMS host")
    _send(session, args, f"kms/hosts/{host['id']}/readings", content, {"collected_at": args.collected_at})


def show_readings(session: Session, args: argparse.Namespace) -> None:
    """The readings of a host."""
    host = find(session, "kms/hosts", args.host, what="KMS host")
    document = session.api.everything(session.path(f"kms/hosts/{host['id']}/readings"), {})
    session.screen.answer(document, lambda: session.screen.table(document["results"], READINGS, empty="Nothing was read yet."))


def withdraw(session: Session, args: argparse.Namespace) -> None:
    """Take an upload back."""
    told = session.api.post(session.path(f"kms/uploads/{quote(args.upload, safe='')}/withdraw"), {"reason": args.reason})
    said = "It counts for nothing from now on; the same file, uploaded again, counts again."
    session.screen.answer(told, lambda: session.screen.line(said))


def upload_guests(session: Session, args: argparse.Namespace) -> None:
    """Send a file about guests as it is."""
    told = {"collected_at": args.collected_at, "computer": args.computer}
    _send(session, args, "kms/guests/readings", read_file(args.file), told)


def _send(session: Session, args: argparse.Namespace, path: str, content: bytes, told: dict[str, str | None]) -> None:
    query = urlencode({name: value for name, value in told.items() if value})
    job: Any = session.api.upload(session.path(path) + (f"?{query}" if query else ""), content, "application/octet-stream")
    if not args.no_wait:
        job = follow(session, job)
    said = job["message"] or f"{job['kind']} {job['state']}: job {job['id']}"
    session.screen.answer(job, lambda: session.screen.line(said))


def show_guests(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Every guest that moved, the most urgent first."""
    told = session.api.get(session.path("kms/guests"), {"until": args.until} if args.until else {})

    def tell() -> None:
        session.screen.table(told["guests"], GUESTS, empty="No Windows machine of this project runs in a pool yet.")
        if told["not_linked"]:
            session.screen.line(f"read, but of no machine that moved: {cell(told['not_linked'])}")

    session.screen.answer(told, tell)
    return ExitCode.NOT_READY if any(guest["alarm"] == "critical" for guest in told["guests"]) else None


def show_recommendation(session: Session, args: argparse.Namespace) -> None:
    """For servers and for clients."""
    told = session.api.get(session.path("kms/recommendation"))

    def tell() -> None:
        for each in told:
            kind = "servers" if each["required_count"] == 5 else "clients"
            session.screen.line(f"{kind}: {clean(each['advice'])}")
            for line in each["arithmetic"]:
                session.screen.line(f"  {clean(line)}")

    session.screen.answer(told, tell)
