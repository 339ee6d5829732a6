"""source and pool: the same verbs for both ends of a migration, and the shortcut `collect`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from xenbound_cli.commands import file_sources, trust
from xenbound_cli.commands.grammar import Commands, add_waiting, command, group, start
from xenbound_cli.exits import CliError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import cell, clean, count, moment
from xenbound_cli.waiting import follow

PASSWORD_VARIABLE = "XENBOUND_ENDPOINT_PASSWORD"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class End:
    """One kind of endpoint: its noun, its collection, the columns of its list."""

    noun: str
    collection: str
    columns: tuple[Column, ...]


SOURCE = End(
    "source",
    "sources",
    (
        Column("NAME", "name"),
        Column("KIND", "kind"),
        Column("URL", "url"),
        Column("PATH", "path"),
        Column("CONFIRMED", "confirmed_at", moment),
        Column("INVENTORY", "latest_inventory"),
        Column("ID", "id"),
    ),
)
POOL = End(
    "pool",
    "pools",
    (
        Column("NAME", "name"),
        Column("URL", "url"),
        Column("HA", "ha_intent"),
        Column("CONFIRMED", "confirmed_at", moment),
        Column("ID", "id"),
    ),
)


def add(commands: Commands) -> None:
    """Declare the commands."""
    sources = group(
        commands, "source", "where machines come from: vCenters, ESXi hosts, workbooks, packages", partial(list_ends, SOURCE)
    )
    added = _add_verbs(sources, SOURCE)
    added.add_argument("--kind", default="vcenter", metavar="KIND", help="vcenter (unless told) or esxi")
    file_sources.add(sources)
    watched = command(sources, "watch", watch, "keep a server's inventory fresh, or do so no more")
    watched.add_argument("name", metavar="SOURCE", help="name or id")
    watched.add_argument("switch", choices=("on", "off"))
    pools = group(commands, "pool", "where machines go to", partial(list_ends, POOL))
    added = _add_verbs(pools, POOL)
    added.add_argument("--ha-intent", default="required", metavar="INTENT", help="required (unless told) or off")
    collect_all = command(commands, "collect", collect_named, "read sources and pools anew; all that are ready unless told")
    collect_all.add_argument("names", nargs="*", metavar="NAME", help="sources or pools, by name or id")


def _add_verbs(commands: Commands, end: End) -> argparse.ArgumentParser:
    command(commands, "list", partial(list_ends, end), f"the project's {end.collection}")
    added = command(commands, "add", partial(add_end, end), f"add a {end.noun}; nothing is contacted yet")
    added.add_argument("address", metavar="URL")
    added.add_argument(
        "--username", required=True, metavar="NAME", help=f"its password is asked for, piped in, or in {PASSWORD_VARIABLE}"
    )
    added.add_argument("--name", metavar="NAME", help="how it is called here; its URL unless told")
    verbs: list[tuple[str, Callable[..., None], str]] = [
        ("probe", probe, "look at its certificates and rights"),
        ("collect", collect, "read what it holds"),
    ]
    for name, run, help_text in verbs:
        parser = command(commands, name, partial(run, end), help_text)
        parser.add_argument("name", metavar=end.noun.upper(), help="name or id")
        add_waiting(parser)
    confirmed = command(commands, "confirm", partial(confirm, end), "vouch for certificates the last probe showed")
    confirmed.add_argument("name", metavar=end.noun.upper(), help="name or id")
    confirmed.add_argument("--sha256", action="append", default=[], metavar="PRINT", help="a fingerprint you compared; repeat it")
    return added


def list_ends(end: End, session: Session, args: argparse.Namespace) -> None:
    """The project's sources or pools."""
    document = session.api.everything(session.path(end.collection))
    empty = f"No {end.noun} yet: xenbound {end.noun} add URL"
    session.screen.answer(document, lambda: session.screen.table(document["results"], end.columns, empty=empty))


def add_end(end: End, session: Session, args: argparse.Namespace) -> None:
    """Add one; the password is sealed on the server and never shown again."""
    password = session.shell.secret(f"Password of {args.username} at {args.address}: ", variable=PASSWORD_VARIABLE)
    body = {"url": args.address, "username": args.username, "password": password, "name": args.name or args.address}
    body |= {"kind": args.kind} if end is SOURCE else {"ha_intent": args.ha_intent}
    made = session.api.post(session.path(end.collection), body)
    told = f"Added {end.noun} {made['name']}. Next: xenbound {end.noun} probe {made['id']}"
    session.screen.answer(made, lambda: session.screen.line(told))


def probe(end: End, session: Session, args: argparse.Namespace) -> None:
    """Let the server look, then show the certificates it saw."""
    row = find(session, end.collection, args.name, what=end.noun)
    _, ended = start(session, args, f"{end.collection}/{row['id']}/probe")
    if not ended:
        return
    seen = session.api.get(session.path(f"{end.collection}/{row['id']}"))

    def tell() -> None:
        trust.show(session, seen)
        for key, told in (("privileges_missing", "missing rights"), ("hosts_unread", "hosts not read")):
            if seen.get(key):
                session.screen.line(f"{told}: {cell(seen[key])}")
        fresh = len(trust.open_ones(seen))
        if fresh:
            told = f"{count(fresh, 'certificate')} to compare and confirm: xenbound {end.noun} confirm {clean(seen['name'])}"
            session.screen.line(told)

    session.screen.answer(seen, tell)


def confirm(end: End, session: Session, args: argparse.Namespace) -> None:
    """Tell the server which certificates a person vouches for."""
    row = find(session, end.collection, args.name, what=end.noun)
    pins = trust.chosen(session, row, args.sha256)
    confirmed = session.api.post(session.path(f"{end.collection}/{row['id']}/confirm"), {"tls_thumbprints": pins})

    def tell() -> None:
        session.screen.line(f"{clean(confirmed['name'])}: {count(len(pins), 'certificate')} confirmed.")
        session.screen.line("Probe again: behind a vCenter or a coordinator further hosts may show theirs.")

    session.screen.answer(confirmed, tell)


def watch(session: Session, args: argparse.Namespace) -> None:
    """Switch the watch of a source; it begins with a full reading."""
    row = find(session, SOURCE.collection, args.name, what=SOURCE.noun)
    kept = session.api.post(session.path(f"{SOURCE.collection}/{row['id']}/watch"), {"enabled": args.switch == "on"})
    told = "is kept fresh from now on" if kept["watch"]["enabled"] else "is not watched any more"
    session.screen.answer(kept, lambda: session.screen.line(f"{clean(kept['name'])} {told}."))


def collect(end: End, session: Session, args: argparse.Namespace) -> None:
    """Read one source or pool."""
    row = find(session, end.collection, args.name, what=end.noun)
    job, ended = start(session, args, f"{end.collection}/{row['id']}/collect")
    if ended:
        session.screen.answer(job, lambda: session.screen.line(_collected(end, row, job)))


def _collected(end: End, row: dict[str, Any], job: dict[str, Any]) -> str:
    result = job.get("result") or {}
    counts = result.get("counts")
    told = (
        ", ".join(f"{number} {name}" for name, number in counts.items())
        if isinstance(counts, dict)
        else f"read {moment(result.get('collected_at'))}"
    )
    unread = result.get("unreadable")
    return f"{end.noun} {row['name']}: {told}" + (f"; not readable: {cell(unread)}" if unread else "")


def collect_named(session: Session, args: argparse.Namespace) -> None:
    """Read the named sources and pools one after the other; without names all that are ready for it:
    servers whose certificates are confirmed, and files."""
    known = [(end, row) for end in (SOURCE, POOL) for row in session.api.rows(session.path(end.collection))]
    ready = [(end, row) for end, row in known if row["confirmed_at"] or row.get("path")]
    ends = [_named(known, name) for name in args.names] or ready
    if not ends:
        raise CliError("There is nothing to collect.", next_step="Add, probe and confirm a source or a pool first.")
    jobs = []
    for end, row in ends:
        job = follow(session, session.api.post(session.path(f"{end.collection}/{row['id']}/collect")))
        jobs.append(job)
        if not session.screen.as_json:
            session.screen.line(_collected(end, row, job))
    session.screen.answer(jobs, lambda: None)


def _named(ends: list[tuple[End, dict[str, Any]]], name: str) -> tuple[End, dict[str, Any]]:
    found = [(end, row) for end, row in ends if name in (row["id"], row["name"])]
    if len(found) != 1:
        told = "no source and no pool" if not found else "more than one source or pool"
        raise CliError(f"There is {told} named {name}.", next_step="Give the id: xenbound source list, xenbound pool list.")
    return found[0]
