"""inventories: what was collected when, and what changed between two collections of one source."""

from __future__ import annotations

import argparse
from typing import Any

from xenbound_cli.api import PAGE
from xenbound_cli.commands.grammar import Commands, add_filters, command, filters, group
from xenbound_cli.exits import CannotReach, CliError, UsageError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session, is_id
from xenbound_cli.texts import cell, clean, count, moment, size

LIST_FILTERS = ("state", "source")
KINDS = ("vm", "disk", "nic", "host", "cluster", "datastore", "network", "switch", "container")
CHANGES = ("added", "gone", "changed", "volatile")
VALUE_MOST = 60
INVENTORIES = [
    Column("COLLECTED", "collected_at", moment),
    Column("SOURCE", "source_name"),
    Column("STATE", "state"),
    Column("MADE BY", "made_by"),
    Column("MACHINES", "counts.vms"),
    Column("ID", "id"),
]
LINES = [
    Column("KIND", "kind"),
    Column("NAME", "name"),
    Column("CHANGE", "change"),
    Column("WHAT", "what"),
    Column("WAS", "old"),
    Column("IS", "new"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    nouns = group(commands, "inventories", "what was collected when, and what changed in between", list_inventories)
    add_filters(command(nouns, "list", list_inventories, "the inventories of all sources, newest first"), *LIST_FILTERS)
    compared = command(nouns, "diff", show_difference, "what came, went and changed between two inventories of a source")
    compared.add_argument("source", metavar="SOURCE", nargs="?", default="", help="name or id; needed where there are several")
    compared.add_argument("--to", default="", metavar="INVENTORY", help="id of the later one; the newest unless told")
    compared.add_argument("--against", default="", metavar="INVENTORY", help="id of the earlier one; the one before unless told")
    compared.add_argument("--kind", choices=KINDS, help="only what is about this")
    compared.add_argument("--change", choices=CHANGES, help="only this; volatile: what differs in values that move by themselves")


def list_inventories(session: Session, args: argparse.Namespace) -> None:
    """The inventories with the names of their sources."""
    document = session.api.everything(session.path("inventories"), filters(args, *LIST_FILTERS))

    def tell() -> None:
        names = {row["id"]: row["name"] for row in session.api.rows(session.path("sources"))}
        rows = [{**row, "source_name": names.get(row["source"], row["source"])} for row in document["results"]]
        session.screen.table(rows, INVENTORIES, empty="No inventories; collect a source first.")

    session.screen.answer(document, tell)


def show_difference(session: Session, args: argparse.Namespace) -> None:
    """All pages of a difference as one. Raises: UsageError, CliError."""
    new, old = _two(session, args)
    narrowed = {name: value for name, value in (("kind", args.kind), ("change", args.change)) if value}
    document = _everything(session, session.path(f"inventories/{new}/diff"), {"against": old, **narrowed})
    session.screen.answer(document, lambda: _tell(session, document))


def _two(session: Session, args: argparse.Namespace) -> tuple[str, str]:
    """The ids of the later and the earlier inventory."""
    for text in (args.to, args.against):
        if text and not is_id(text):
            raise UsageError(f"{clean(text)} is no id of an inventory.", next_step="See xenbound inventories list.")
    if args.to and args.against:
        return args.to, args.against
    source = _source(session, args.source)
    query = {"source": source["id"], "state": "complete", "ordering": "-collected_at"}
    ids = [row["id"] for row in session.api.rows(session.path("inventories"), query)]
    new = args.to or (ids[0] if ids else "")
    older = ids[ids.index(new) + 1 :] if new in ids else []
    if not args.against and not older:
        raise CliError(
            f"There is no earlier inventory of {clean(source['name'])} to compare with.", next_step="Collect it once more."
        )
    return new, args.against or older[0]


def _source(session: Session, text: str) -> dict[str, Any]:
    if text:
        return find(session, "sources", text, what="source")
    rows = session.api.rows(session.path("sources"))
    if len(rows) != 1:
        raise UsageError(f"There are {count(len(rows), 'source')}; name one.", next_step="See xenbound source list.")
    return rows[0]


def _everything(session: Session, path: str, query: dict[str, str]) -> dict[str, Any]:
    """One document out of all pages; `next` is null because all are in it."""
    whole: dict[str, Any] = {}
    read, total = 0, 1
    while read < total:
        page = session.api.get(path, {**query, "limit": PAGE, "cursor": read})
        total, found = page["count"], {change: page[change] for change in CHANGES}
        number = sum(map(len, found.values()))
        if not number and total > read:
            raise CannotReach(f"The server answers an empty page of {path}.")
        read += number
        whole = {**page, **{change: whole.get(change, []) + rows for change, rows in found.items()}, "next": None}
    return whole


def _tell(session: Session, document: dict[str, Any]) -> None:
    lines = [line for change in CHANGES for row in document[change] for line in _lines(row, change)]
    session.screen.table(lines, LINES, empty="Nothing of this has changed.")
    numbers = (
        f"{kind}: {number} {change}" for kind, row in document["counts"].items() for change, number in row.items() if number
    )
    if lines:
        session.screen.line(f"{count(document['count'], 'object')}; in all {', '.join(numbers)}.")


def _lines(row: dict[str, Any], change: str) -> list[dict[str, Any]]:
    """The rows of the table for one object: one for each value."""
    if change in ("added", "gone"):
        return [{**row, "change": change}]
    values = row["volatile"] if change == "volatile" else row["changes"]
    return [_line(row, value, change) for value in values]


def _line(row: dict[str, Any], value: dict[str, Any], change: str) -> dict[str, Any]:
    sized = value["path"].endswith("_bytes")
    old, new = (_short(size(side) if sized else cell(_device(side))) for side in (value["old"], value["new"]))
    what = value["path"].partition("]")[2].lstrip(".") if value.get("device") else value["path"]
    named = " ".join(part for part in (value.get("device", ""), what) if part)
    told = {"kind": value.get("kind", row["kind"]), "change": value.get("change", change), "what": named}
    return {"name": row["name"], **told, "old": old, "new": new}


def _device(value: Any) -> Any:
    """A whole disk or NIC by what tells it; anything else as it is."""
    if not isinstance(value, dict) or "device_key" not in value:
        return value
    if "capacity_bytes" in value:
        return f"{size(value['capacity_bytes'])} {cell(value.get('file_name'))}"
    return f"{cell(value.get('mac_address'))} {cell(value.get('network_name'))}"


def _short(text: str) -> str:
    return text if len(text) <= VALUE_MOST else f"{text[:VALUE_MOST]}…"
