"""plan mapping: which network, SR and template a source's names become."""

from __future__ import annotations

import argparse
from typing import Any

from xenbound_cli.commands.grammar import Commands, command, group
from xenbound_cli.exits import UsageError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session

TABLES = ("networks", "datastores", "templates")
LIST = [Column("NAME", "name"), Column("VERSION", "version"), Column("POOL", "pool"), Column("ID", "id")]
ENTRIES = [Column("TABLE", "table"), Column("SOURCE", "source"), Column("TARGET", "target"), Column("WHY", "why")]
OVERRIDES = ("sr", "template", "name", "guest_id", "firmware", "secure_boot", "vtpm", "vif_locking", "ha_restart_priority")
"""What one machine may get as text; `cores_per_socket` is a number beside them."""
GAPS = [Column("CODE", "code"), Column("SUBJECT", "subject"), Column("WHAT IS MISSING", "detail"), Column("REMEDY", "remedy")]


def add(plan_commands: Commands) -> None:
    """Declare the commands below `plan`."""
    mapping = group(plan_commands, "mapping", "names of the source to names of the pool", list_mappings)
    command(mapping, "list", list_mappings, "the project's mappings")
    create = command(mapping, "create", create_mapping, "an empty mapping for a pool")
    create.add_argument("--pool", required=True, metavar="POOL")
    create.add_argument("--name", metavar="NAME")
    suggest = command(mapping, "suggest", suggest_mapping, "propose targets; entries made before stay")
    suggest.add_argument("--apply", action="store_true", help="write the proposals into the mapping")
    entered = command(mapping, "set", set_entries, "enter targets by hand")
    for table in TABLES:
        entered.add_argument(
            f"--{table[:-1]}", action="append", default=[], dest=table, metavar="SOURCE=TARGET", help="repeat it"
        )
    entered.add_argument(
        "--ha-restart-priority",
        choices=["restart", "best-effort", "none"],
        help="what HA does for all machines once they run in the pool, but for those whose override says otherwise",
    )
    override = command(mapping, "override", override_machine, "what one machine gets instead of the tables' answer")
    for field in OVERRIDES:
        override.add_argument(f"--{field.replace('_', '-')}", metavar=field.upper())
    override.add_argument("--cores-per-socket", type=int, metavar="N")
    shown = command(mapping, "show", show_mapping, "its entries")
    lacking = command(mapping, "gaps", show_gaps, "what it lacks")
    for parser in (suggest, entered, override, shown, lacking):
        parser.add_argument("mapping", metavar="MAPPING", help="name or id")
    override.add_argument("machine", metavar="MACHINE", help="name or id")


def list_mappings(session: Session, args: argparse.Namespace) -> None:
    """The project's mappings."""
    document = session.api.everything(session.path("mappings"))
    empty = "No mapping yet: xenbound plan mapping create --pool POOL"
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty=empty))


def create_mapping(session: Session, args: argparse.Namespace) -> None:
    """An empty mapping; `suggest` fills it."""
    pool = find(session, "pools", args.pool, what="pool")
    made = session.api.post(session.path("mappings"), {"pool": pool["id"]} | ({"name": args.name} if args.name else {}))
    told = f"Made mapping {made['name']}. Next: xenbound plan mapping suggest {made['id']} --apply"
    session.screen.answer(made, lambda: session.screen.line(told))


def suggest_mapping(session: Session, args: argparse.Namespace) -> None:
    """Proposals, applied only when asked to."""
    mapping = find(session, "mappings", args.mapping, what="mapping")
    suggestion = session.api.get(session.path(f"mappings/{mapping['id']}/suggest"))
    document = suggestion
    if args.apply:
        # A table is replaced as a whole, so what a person entered goes in again and wins.
        tables = {table: {**suggestion.get(table, {}), **mapping.get(table, {})} for table in TABLES}
        document = session.api.patch(session.path(f"mappings/{mapping['id']}"), tables, version=mapping["version"])

    def tell() -> None:
        session.screen.table(_entries(document, suggestion.get("why", {})), ENTRIES, empty="Nothing to propose.")
        for open_name in suggestion.get("open", ()):
            session.screen.line(f"nothing fits: {open_name}")
        name = mapping["name"]
        session.screen.line(
            f"Written into {name}." if args.apply else f"Nothing is written yet; add --apply to write it into {name}."
        )

    session.screen.answer(document, tell)


def set_entries(session: Session, args: argparse.Namespace) -> None:
    """Add or change entries; the others stay."""
    wanted = {table: dict(map(_entry, getattr(args, table))) for table in TABLES if getattr(args, table)}
    priority = args.ha_restart_priority
    protection = {"ha_restart_priority": "" if priority == "none" else priority} if priority else {}
    if not wanted and not protection:
        raise UsageError("Nothing to enter.", next_step="For example: --network 'VM Network=lan-100'")
    mapping = find(session, "mappings", args.mapping, what="mapping")
    changes = {table: {**mapping.get(table, {}), **entries} for table, entries in wanted.items()} | protection
    changed = session.api.patch(session.path(f"mappings/{mapping['id']}"), changes, version=mapping["version"])
    _tell_mapping(session, changed)


def override_machine(session: Session, args: argparse.Namespace) -> None:
    """Set what one machine gets; fields that are not given stay, an empty one is as the tables say."""
    wanted = {field: given for field in (*OVERRIDES, "cores_per_socket") if (given := getattr(args, field)) is not None}
    if not wanted:
        raise UsageError("Nothing to set.", next_step="For example: --guest-id debian12_64Guest")
    mapping = find(session, "mappings", args.mapping, what="mapping")
    machine = find(session, "machines", args.machine, what="machine", by_filter=True)
    overrides = mapping.get("overrides", {})
    overrides[machine["id"]] = {**overrides.get(machine["id"], {}), **wanted}
    changed = session.api.patch(session.path(f"mappings/{mapping['id']}"), {"overrides": overrides}, version=mapping["version"])
    told = ", ".join(f"{field} {value}" for field, value in changed["overrides"][machine["id"]].items())
    session.screen.answer(changed, lambda: session.screen.line(f"{machine['name']}: {told}"))


def _entry(text: str) -> tuple[str, str]:
    source, equals, target = text.partition("=")
    if not (source and equals and target):
        raise UsageError(f"{text!r} is no entry.", next_step="Write SOURCE=TARGET.")
    return source, target


def show_mapping(session: Session, args: argparse.Namespace) -> None:
    """A mapping's entries."""
    _tell_mapping(session, find(session, "mappings", args.mapping, what="mapping"))


def _tell_mapping(session: Session, mapping: dict[str, Any]) -> None:
    def tell() -> None:
        session.screen.table(_entries(mapping, {}), ENTRIES[:3], empty="This mapping is still empty.")
        session.screen.line(f"HA restart priority of its machines: {mapping['ha_restart_priority'] or 'none'}")

    session.screen.answer(mapping, tell)


def show_gaps(session: Session, args: argparse.Namespace) -> None:
    """What the mapping lacks for the machines that shall move."""
    mapping = find(session, "mappings", args.mapping, what="mapping")
    found = session.api.get(session.path(f"mappings/{mapping['id']}/gaps"))
    session.screen.answer(found, lambda: session.screen.table(found["gaps"], GAPS, empty="The mapping is complete."))


def _entries(tables: dict[str, Any], why: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"table": table, "source": source, "target": target, "why": why.get(source, "")}
        for table in TABLES
        for source, target in tables.get(table, {}).items()
    ]
