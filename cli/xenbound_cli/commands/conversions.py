"""conversions: one machine's way into the pool each, with its disks and events."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from xenbound_cli.commands.grammar import Commands, add_filters, add_waiting, command, filters, group, start
from xenbound_cli.exits import ExitCode
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import cell, clean, count, moment, size

FILTERS = ("state", "name", "wave_id")


def _disks(disks: Any) -> str:
    """How many of the disks are proven, and how many bytes are copied of how many."""
    copied = sum(disk["bytes_copied"] or 0 for disk in disks)
    total = sum(disk["bytes_total"] or 0 for disk in disks)
    proven = sum(bool(disk["verified"] and disk["compared"] == "full") for disk in disks)
    return f"{proven} of {len(disks)} proven, {size(copied)} of {size(total)} copied"


LIST = [
    Column("MACHINE", "name"),
    Column("STATE", "state"),
    Column("STEP", "step_title"),
    Column("DISKS", "disks", _disks),
    Column("ERROR", "error.message"),
    Column("ID", "id"),
]
DISKS = [
    Column("DISK", "label"),
    Column("SIZE", "bytes_total", size),
    Column("COPIED", "bytes_copied", size),
    Column("SENT", "bytes_sent", size),
    Column("ZERO", "bytes_zero", size),
    Column("READ BACK EQUAL", "compared"),
    Column("FAULT", "fault"),
    Column("VDI", "vdi_uuid"),
]
LEFT = [
    Column("MACHINE", "name"),
    Column("STATE", "state"),
    Column("OBJECTS", "objects"),
    Column("VERDICT", "verdict"),
    Column("WHY", "why"),
    Column("CONVERSION", "conversion_id"),
]
VERBS = {
    "retry": "take a failed one up again",
    "cancel": "stop one for good and remove what it made in the pool",
    "rollback": "its VM in the pool off and blocked, its source as it was",
    "finish": "take a failed one whose VM runs in the pool for moved",
}
DISCARDING = ("retry", "cancel")
EVENTS = [Column("AT", "at", moment), Column("FROM", "from_state"), Column("TO", "to_state"), Column("WHAT", "message")]


def add(commands: Commands) -> None:
    """Declare the commands."""
    conversions = group(commands, "conversions", "machines on their way into the pool", list_conversions)
    add_filters(command(conversions, "list", list_conversions, "all of the project"), *FILTERS)
    left = command(conversions, "leftovers", sweep, "what cancelled ones left in a pool, and its removal")
    left.add_argument("pool", metavar="POOL", help="name or id")
    left.add_argument("--remove", action="store_true", help="remove what is listed as to be removed")
    left.add_argument(
        "--conversion", action="append", metavar="ID", help="only this one's, also if it was rolled back; repeat it"
    )
    shown = command(conversions, "show", show_conversion, "one machine with its disks and events")
    shown.add_argument("conversion", metavar="MACHINE", help="name or id")
    for verb, help_text in VERBS.items():
        parser = command(conversions, verb, partial(change_conversion, verb), help_text)
        parser.add_argument("conversion", metavar="MACHINE", help="name or id")
        if verb in DISCARDING:
            parser.add_argument(
                "--discard-writes", action="store_true", help="also if its VM has run in the pool: lose what it wrote there"
            )
        add_waiting(parser)


def sweep(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """List what is left; with --remove take away what was cancelled, or what is named."""
    pool = find(session, "pools", args.pool, what="pool")
    args.key, args.no_wait = "", False
    listed, _ = start(session, args, "leftovers", {"pool": pool["id"]})
    if not args.remove:
        found = listed["result"]["leftovers"]
        rows = [{**each, "objects": len(each["objects"])} for each in found]
        session.screen.answer(listed, lambda: session.screen.table(rows, LEFT, empty=f"Nothing is left in {pool['name']}."))
        return None
    body: dict[str, Any] = {"listing": listed["id"]}
    if args.conversion:
        body["conversions"] = args.conversion
    swept, _ = start(session, args, "leftovers/remove", body)
    return _tell_swept(session, swept)


def _tell_swept(session: Session, job: dict[str, Any]) -> ExitCode | None:
    result = job["result"]

    def tell() -> None:
        for each in result["removed"]:
            session.screen.line(f"removed {clean(each['name'])} ({each['uuid']})")
        for each in result["refused"]:
            session.screen.line(f"stays: {clean(each['name'])}: {clean(each['message'])} [{each['code']}]")
            session.screen.line(f"  next: {clean(each['next_step'])}")
        session.screen.line(f"{count(len(result['removed']), 'object')} removed.")

    session.screen.answer(job, tell)
    return ExitCode.FAILED if result["refused"] or result["not_removable"] else None


def _find(session: Session, args: argparse.Namespace) -> dict[str, Any]:
    return find(session, "conversions", args.conversion, what="conversion", by_filter=True)


def list_conversions(session: Session, args: argparse.Namespace) -> None:
    """The project's conversions."""
    document = session.api.everything(session.path("conversions"), filters(args, *FILTERS))
    empty = "No conversions; start a wave first."
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty=empty))


def show_conversion(session: Session, args: argparse.Namespace) -> None:
    """One conversion; its events are read for people only, `--json` gives the conversion."""
    row = _find(session, args)

    def tell() -> None:
        session.screen.line(f"{clean(row['name'])} is {row['state']} ({row['step_title']}): {row['id']}")
        session.screen.line(f"VM in the pool: {cell(row['target_vm_uuid'])}; boot proof: {cell(row['boot_proof'])}")
        error = row["error"]
        if error:
            session.screen.line(f"error: {error.get('message', '')} [{error.get('code', '')}]")
            session.screen.line(f"next: {error.get('next_step', '')}")
        session.screen.table(row["disks"], DISKS, empty="No disks.")
        events = session.api.rows(session.path(f"conversions/{row['id']}/events"))
        session.screen.table(events, EVENTS, empty="Nothing happened yet.")

    session.screen.answer(row, tell)


def change_conversion(verb: str, session: Session, args: argparse.Namespace) -> None:
    """Ask for one verb of one conversion."""
    row = _find(session, args)
    body = {"discard_writes": args.discard_writes} if verb in DISCARDING else None
    job, ended = start(session, args, f"conversions/{row['id']}/{verb}", body)
    if ended:
        state = (job.get("result") or {}).get("state", job["state"])
        session.screen.answer(job, lambda: session.screen.line(f"{row['name']}: {state}"))
