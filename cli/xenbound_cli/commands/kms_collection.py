"""The part of `kms` that has readings collected over WinRM: winrm, probe, confirm, collect, stop."""

from __future__ import annotations

import argparse
from typing import Any

from xenbound_cli.commands import trust
from xenbound_cli.commands.evidence import read_file
from xenbound_cli.commands.grammar import Commands, add_waiting, command, start
from xenbound_cli.exits import UsageError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import clean, count, moment

PASSWORD_VARIABLE = "XENBOUND_ENDPOINT_PASSWORD"  # noqa: S105 - the name of a variable
COLLECTION = [
    Column("address", "url"),
    Column("signs in by", "auth"),
    Column("as", "username"),
    Column("session", "configuration"),
    Column("every hours", "every_hours"),
    Column("confirmed", "confirmed_at", moment),
    Column("last reading", "collected_at", moment),
    Column("failed", "failed.message"),
    Column("next", "failed.next_step"),
]


def add(kms: Commands) -> None:
    """Declare the commands."""
    how = command(kms, "winrm", set_collection, "how a KMS host is collected over WinRM: shown, or set")
    how.add_argument("host", metavar="HOST", help="name or id")
    how.add_argument("--address", metavar="URL", help="https://host, with a port if it is not 5986")
    how.add_argument("--username", metavar="NAME", help=f"its password is asked for, piped in, or in {PASSWORD_VARIABLE}")
    how.add_argument("--certificate", metavar="FILE", help="sign in by this PEM file of a certificate and its key instead")
    how.add_argument("--kerberos", action="store_true", help="sign in by Kerberos; the server needs the extra of that name")
    how.add_argument("--configuration", metavar="NAME", help="PowerShell session configuration to open")
    how.add_argument("--timeout", type=float, metavar="SECONDS", help="how long a collection may take")
    how.add_argument("--every-hours", type=int, metavar="N", help="collect by itself every N hours; 0: by hand only")
    for name, run, help_text in (
        ("probe", probe, "look at the certificate of a KMS host's WinRM"),
        ("collect", collect, "run the collection script on a KMS host and read what it prints"),
    ):
        parser = command(kms, name, run, help_text)
        parser.add_argument("host", metavar="HOST", help="name or id")
        add_waiting(parser)
    confirmed = command(kms, "confirm", confirm, "vouch for the certificate the last probe showed")
    confirmed.add_argument("host", metavar="HOST", help="name or id")
    confirmed.add_argument("--sha256", action="append", default=[], metavar="PRINT", help="a fingerprint you compared")
    stopped = command(kms, "stop", stop, "collect a KMS host no more, and forget its address and secret")
    stopped.add_argument("host", metavar="HOST", help="name or id")


def set_collection(session: Session, args: argparse.Namespace) -> None:
    """Set what is given, or show how it is."""
    changes = _changes(session, args)
    path = _path(session, args)
    row = session.api.patch(path, changes) if changes else session.api.get(path)

    def tell() -> None:
        session.screen.fields(row, COLLECTION)
        if changes and not row["confirmed_at"]:
            session.screen.line(f"Next: xenbound kms probe {clean(row['name'])}")

    session.screen.answer(row, tell)


def _changes(session: Session, args: argparse.Namespace) -> dict[str, Any]:
    given = {
        "url": args.address,
        "username": args.username,
        "configuration": args.configuration,
        "timeout_s": args.timeout,
        "every_hours": args.every_hours,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if args.certificate:
        return changes | {"auth": "certificate", "secret": _text(args.certificate)}
    if args.username:
        secret = session.shell.secret(f"Password of {args.username}: ", variable=PASSWORD_VARIABLE)
        return changes | {"auth": "kerberos" if args.kerberos else "ntlm", "secret": secret}
    return changes


def _text(name: str) -> str:
    try:
        return read_file(name).decode("ascii")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is no PEM file.", next_step="Give a file of certificate and key as PEM text.") from None


def probe(session: Session, args: argparse.Namespace) -> None:
    """Let the server look, then show the certificate it saw."""
    tail = _tail(session, args)
    _, ended = start(session, args, f"{tail}/probe")
    if not ended:
        return
    seen = session.api.get(session.path(tail))

    def tell() -> None:
        trust.show(session, seen)
        if trust.open_ones(seen):
            session.screen.line(f"Compare and confirm it: xenbound kms confirm {clean(seen['name'])}")

    session.screen.answer(seen, tell)


def confirm(session: Session, args: argparse.Namespace) -> None:
    """Tell the server which certificate a person vouches for."""
    path = _path(session, args)
    pins = trust.chosen(session, session.api.get(path), args.sha256)
    row = session.api.post(f"{path}/confirm", {"tls_thumbprints": pins})
    session.screen.answer(row, lambda: session.screen.line(f"{clean(row['name'])}: {count(len(pins), 'certificate')} confirmed."))


def collect(session: Session, args: argparse.Namespace) -> None:
    """Have the host collected, and say what its reading holds."""
    job, ended = start(session, args, f"{_tail(session, args)}/collect")
    if ended:
        session.screen.answer(job, lambda: session.screen.line(clean(job["message"]) or "collected"))


def stop(session: Session, args: argparse.Namespace) -> None:
    """Forget how the host is collected."""
    session.api.delete(_path(session, args))
    session.screen.answer({}, lambda: session.screen.line(f"{args.host} is not collected any more; its readings stay."))


def _path(session: Session, args: argparse.Namespace) -> str:
    return session.path(_tail(session, args))


def _tail(session: Session, args: argparse.Namespace) -> str:
    host = find(session, "kms/hosts", args.host, what="KMS host")
    return f"kms/hosts/{host['id']}/collection"
