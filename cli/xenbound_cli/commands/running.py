"""running: how many disks are copied at once, how well they are proven, how fast at which time of the week."""

from __future__ import annotations

import argparse
from typing import Any

from xenbound_cli.commands.grammar import Commands, command, group
from xenbound_cli.exits import UsageError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIB = 1 << 20
NUMBERS = {
    "per_source_host": "disks at a time from one host of a source",
    "per_datastore": "disks at a time from one datastore",
    "per_pool_host": "disks at a time through one host of a pool",
    "per_sr": "disks at a time into one SR",
    "disks_at_once": "disks at a time of one machine",
}
FIELDS = [
    *(Column(label.upper(), name) for name, label in NUMBERS.items()),
    Column("MACHINES AT A TIME IN ONE WORKER", "per_worker"),
    Column("READ BACK", "verify"),
    Column("TIME ZONE", "time_zone"),
]
WINDOWS = [
    Column("ROW", "row"),
    Column("AT MOST", "bytes_per_s", lambda value: f"{value / MIB:g} MiB/s"),
    Column("DAYS", "days", lambda value: " ".join(value or DAYS)),
    Column("FROM", "from", lambda value: value or "00:00"),
    Column("TO", "to", lambda value: "24:00" if value in (None, "00:00") else value),
    Column("POOL", "pool", lambda value: value or "every"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    running = group(commands, "running", "how many disks at once, how fast, how well proven", show)
    command(running, "show", show, "what holds now")
    changed = command(running, "set", change, "change what is given; needs the role admin")
    for name, label in NUMBERS.items():
        changed.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N", help=label)
    changed.add_argument("--verify", metavar="POLICY", help="full, off or 'sampled N %%'")
    changed.add_argument("--time-zone", metavar="ZONE", help="of the limits, such as Europe/Berlin")
    limited = command(running, "limit", limit, "add a limit of bytes to and from a pool; the slowest that holds counts")
    limited.add_argument("mib_per_s", metavar="MIB_PER_S", help="MiB a second, shared by all disks on their way there")
    limited.add_argument("--days", default="", metavar="mon,tue,..", help="days it begins on; all when not given")
    limited.add_argument("--from", default="00:00", dest="begins", metavar="HH:MM")
    limited.add_argument("--to", default="00:00", dest="ends", metavar="HH:MM", help="earlier than --from is over midnight")
    limited.add_argument("--pool", metavar="POOL", help="name or id; every pool when not given")
    freed = command(running, "unlimit", unlimit, "remove a limit, or all of them")
    freed.add_argument("row", nargs="?", metavar="ROW", help="its number in `running show`; all when not given")


def show(session: Session, args: argparse.Namespace) -> None:
    """Settings, then the limits."""
    document = session.api.get(session.path("running"))
    session.screen.answer(document, lambda: _tell(session, document))


def change(session: Session, args: argparse.Namespace) -> None:
    """Change what is given."""
    given = {name: getattr(args, name) for name in (*NUMBERS, "verify", "time_zone") if getattr(args, name) is not None}
    if not given:
        raise UsageError("Nothing to change was given.", next_step="See xenbound running set --help.")
    _patch(session, given)


def limit(session: Session, args: argparse.Namespace) -> None:
    """One row more."""
    window: dict[str, Any] = {"bytes_per_s": _bytes_per_s(args.mib_per_s), "from": args.begins, "to": args.ends}
    if args.days:
        window["days"] = [day.strip().lower() for day in args.days.split(",")]
    if args.pool:
        window["pool"] = find(session, "pools", args.pool, what="pool")["id"]
    seen = session.api.get(session.path("running"))
    _patch(session, {"bandwidth": [*seen["bandwidth"], window]}, version=seen["version"])


def unlimit(session: Session, args: argparse.Namespace) -> None:
    """One row less, or none left."""
    seen = session.api.get(session.path("running"))
    rows = seen["bandwidth"]
    if args.row is not None and args.row not in {str(number) for number in range(1, len(rows) + 1)}:
        raise UsageError(f"There is no limit {args.row}; there are {len(rows)}.", next_step="See xenbound running show.")
    left = [] if args.row is None else rows[: int(args.row) - 1] + rows[int(args.row) :]
    _patch(session, {"bandwidth": left}, version=seen["version"])


def _bytes_per_s(text: str) -> int:
    try:
        return int(float(text) * MIB)
    except (ValueError, OverflowError):
        raise UsageError(f"{text} is no number of MiB a second.", next_step="Write one, such as 50.") from None


def _patch(session: Session, changes: dict[str, Any], *, version: int | None = None) -> None:
    document = session.api.patch(session.path("running"), changes, version=version)
    session.screen.answer(document, lambda: _tell(session, document))


def _tell(session: Session, document: dict[str, Any]) -> None:
    session.screen.fields(document, FIELDS)
    session.screen.line()
    rows = [{**row, "row": number} for number, row in enumerate(document["bandwidth"], 1)]
    session.screen.table(rows, WINDOWS, empty="Nothing limits how fast disks are copied and read back.")
