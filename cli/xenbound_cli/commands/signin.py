"""login, logout, whoami: the token and the file it is kept in."""

from __future__ import annotations

import argparse
import platform
from dataclasses import replace
from pathlib import Path

from xenbound_cli import config
from xenbound_cli.api import Api
from xenbound_cli.commands.grammar import Commands, command
from xenbound_cli.config import Settings
from xenbound_cli.exits import CannotReach, Refused, UsageError
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import cell, moment

DAY_S = 24 * 3600
PASSWORD_VARIABLE = "XENBOUND_PASSWORD"  # noqa: S105 - the name of a variable


def add(commands: Commands) -> None:
    """Declare the commands."""
    login_parser = command(commands, "login", login, "sign in; the password is asked for, piped in, or in XENBOUND_PASSWORD")
    login_parser.add_argument("address", nargs="?", metavar="URL", help="the server; the last one unless told")
    login_parser.add_argument("--username", metavar="NAME")
    login_parser.add_argument("--days", type=int, metavar="N", help="how long the token lives; 12 hours unless told")
    login_parser.add_argument("--plain-http", action="store_true", help="send the password to another machine unencrypted")
    command(commands, "logout", logout, "revoke the token and forget it")
    command(commands, "whoami", whoami, "who the token speaks for, with which roles")


def login(session: Session, args: argparse.Namespace) -> None:
    """Ask for a token and keep it."""
    url = config.checked_url(args.address) if args.address else session.settings.url
    if not url:
        raise UsageError("Which server?", next_step="xenbound login https://xenbound.example.net")
    if config.is_exposed(url) and not args.plain_http:
        raise UsageError(
            f"{url} is plain http: your password could be read on the way.", next_step="Use https, or say --plain-http."
        )
    asked = f"User name at {url}: "
    username = args.username or session.shell.ask(asked, instead="Give it as --username NAME.")
    password = session.shell.secret(f"Password of {username}: ", variable=PASSWORD_VARIABLE)
    issued = _token(session, url, _credentials(username, password, args.days))
    same_server = session.settings.url == url
    project = session.settings.project if same_server else ""
    ca = str(Path(session.settings.ca).absolute()) if session.settings.ca else ""
    config.write(session.config_path, Settings(url, issued["token"], username, project, ca))
    shown = {key: value for key, value in issued.items() if key != "token"}
    until = moment(issued["expires_at"])
    session.screen.answer(shown, lambda: session.screen.line(f"Signed in at {url} as {username} until {until}."))
    if session.shell.environ.get("XENBOUND_TOKEN"):
        session.screen.note("warning: XENBOUND_TOKEN is set and goes before the token kept now.")


def _credentials(username: str, password: str, days: int | None) -> dict[str, str | int]:
    if days is not None and not 1 <= days <= 366:
        raise UsageError("A token lives from 1 to 366 days.")
    named: dict[str, str | int] = {"username": username, "password": password, "name": f"xenbound on {platform.node()}"[:100]}
    return named if days is None else {**named, "lifetime_s": days * DAY_S}


def _token(session: Session, url: str, credentials: dict[str, str | int]) -> dict[str, str]:
    """A fresh token, asked for without the old one."""
    api = Api(replace(session.settings, url=url, token=""), session.shell.transport)
    try:
        return dict(api.post("auth/token", credentials))
    finally:
        api.close()


def logout(session: Session, args: argparse.Namespace) -> None:
    """Revoke the token on the server; here it is forgotten in any case."""
    stored = config.read(session.config_path)
    if not stored.token and not session.settings.token:
        session.screen.note("Nobody was signed in.")
        return
    try:
        session.api.delete("auth/token")
    except Refused as refused:
        if refused.status != 401:
            raise
        session.screen.note("The token did not count any more.")
    except CannotReach as error:
        error.next_step = "The token is forgotten here; on the server it lives until it expires or you revoke it there."
        raise
    finally:
        if stored.token and stored.url == session.settings.url:
            config.write(session.config_path, replace(stored, token=""))
    session.screen.answer(None, lambda: session.screen.line(f"Signed out at {session.settings.url}."))


def whoami(session: Session, args: argparse.Namespace) -> None:
    """Who the token speaks for."""
    person = session.api.get("auth/me")

    def tell() -> None:
        kind = " (superuser)" if person["is_superuser"] else ""
        session.screen.line(f"{person['username']}{kind} at {session.settings.url}")
        if person["memberships"]:
            columns = [Column("PROJECT", "project"), Column("ROLE", "role"), Column("APPROVER", "approver", cell)]
            session.screen.table(person["memberships"], columns)

    session.screen.answer(person, tell)
