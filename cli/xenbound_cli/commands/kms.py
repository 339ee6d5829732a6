"""kms: KMS hosts, their readings and counts, and whether activation holds. Exit 3 when the verdict would close a gate."""

from __future__ import annotations

import argparse
from pathlib import Path

from xenbound_cli.commands import kms_collection, kms_files
from xenbound_cli.commands.grammar import Commands, command, group
from xenbound_cli.commands.reports import save
from xenbound_cli.exits import ExitCode, UsageError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import cell, clean, moment
from xenbound_cli.waiting import follow

HOSTS = [
    Column("NAME", "name"),
    Column("COMPUTER", "computer_name"),
    Column("LEGACY", "legacy"),
    Column("ID", "id"),
]
COUNT = [
    Column("count", "count"),
    Column("servers activate", "server_ok"),
    Column("clients activate", "client_ok"),
    Column("at the cap", "at_cap"),
    Column("quality", "quality"),
    Column("unknown because", "count_unknown_because"),
    Column("read", "collected_at", moment),
    Column("notes", "notes"),
]
VERDICT = [
    Column("HOST", "host_name"),
    Column("STATE", "state"),
    Column("SERVERS", "server"),
    Column("CLIENTS", "client"),
    Column("COUNT", "count.count"),
    Column("LOWEST", "lowest.lower"),
    Column("FRESH", "is_fresh"),
]
DAYS = [
    Column("FROM", "at", moment),
    Column("LOWER", "lower"),
    Column("UPPER", "upper"),
    Column("SERVERS", "server"),
    Column("CLIENTS", "client"),
]
TIMELINE = [
    Column("DAY", "at", moment),
    Column("OBSERVED", "observed"),
    Column("MODELLED", "modelled"),
    Column("AT LEAST", "at_least"),
    Column("LOWER", "lower"),
    Column("UPPER", "upper"),
    Column("WAVES", "waves"),
]
NETWORK_FINDINGS = [
    Column("GRADE", "grade"),
    Column("CODE", "code"),
    Column("OF", "subject"),
    Column("WHAT", "detail"),
    Column("NEXT", "remedy"),
]
RECORDS = [
    Column("DNS NAMES", "target"),
    Column("DOMAIN", "domain"),
    Column("PORT", "port"),
    Column("PRIORITY", "priority"),
    Column("ADDRESSES", "addresses"),
]
TRIES = [
    Column("TRIED", "name"),
    Column("PORT", "port"),
    Column("OUTCOME", "outcome"),
    Column("TOOK S", "took_s"),
    Column("AT", "tried_at", moment),
]
NETWORK_SETTINGS = [
    Column("domains", "domains"),
    Column("resolvers", "resolvers"),
    Column("every hours", "every_hours"),
]
DUPLICATES = [Column("CMID", "cmid"), Column("MACHINES", "machines"), Column("KIND", "kind"), Column("REMEDY", "remedy")]


def add(commands: Commands) -> None:
    """Declare the commands."""
    kms = group(commands, "kms", "Windows activation by KMS", list_hosts)
    command(kms, "hosts", list_hosts, "the project's KMS hosts")
    added = command(kms, "add", add_host, "add a KMS host; nothing is contacted")
    added.add_argument("host", metavar="NAME")
    kms_files.add(kms)
    counted = command(kms, "count", show_count, "what a KMS host counts")
    counted.add_argument("host", metavar="HOST", help="name or id")
    counted.add_argument("--at", metavar="TIME", help="at a moment of the past, ISO 8601 with a zone")
    projected = command(kms, "forecast", show_forecast, "the count on the days to come, and what happens on the way")
    projected.add_argument("host", metavar="HOST", help="name or id")
    projected.add_argument("--days", metavar="N", default="45", help="0 to 180, 45 unless told")
    drawn = command(kms, "chart", show_chart, "the count over time: observed, modelled and projected, with the waves")
    drawn.add_argument("host", metavar="HOST", help="name or id")
    drawn.add_argument("--wave", metavar="WAVE", help="id of a wave; nothing planned unless told")
    drawn.add_argument("--moves-at", metavar="TIME", help="when the wave moves, ISO 8601 with a zone; now unless told")
    drawn.add_argument("--svg", metavar="FILE", help="save the drawing too")
    kms_collection.add(kms)
    looked = command(kms, "look", look_around, "ask DNS for KMS hosts and try their ports from the server")
    looked.add_argument("--no-wait", action="store_true", help="print the job and return at once")
    looked.add_argument("--wave", metavar="WAVE", help="id of a wave: ask of the networks it moves into too")
    seen = command(kms, "network", show_network, "what DNS names, which ports open, and what is wrong with it")
    seen.add_argument("--wave", metavar="WAVE", help="id of a wave: ask of the networks it moves into too")
    how = command(kms, "network-settings", set_network, "how KMS hosts are looked for")
    how.add_argument("--domain", action="append", metavar="DOMAIN", help="domain of the Windows machines; repeat it")
    how.add_argument("--resolver", action="append", metavar="ADDRESS", help="resolver to ask, not the server's own; repeat it")
    how.add_argument("--every-hours", type=int, metavar="N", help="look by itself every N hours; 0: by hand only")
    judged = command(kms, "verdict", show_verdict, "does activation hold? exit 3 when it would close a gate")
    judged.add_argument("--wave", metavar="WAVE", help="id of a wave; every client of the hosts unless told")


def list_hosts(session: Session, args: argparse.Namespace) -> None:
    """KMS hosts in use."""
    document = session.api.everything(session.path("kms/hosts"))
    empty = "No KMS host yet: xenbound kms add NAME"
    session.screen.answer(document, lambda: session.screen.table(document["results"], HOSTS, empty=empty))


def add_host(session: Session, args: argparse.Namespace) -> None:
    """A KMS host under the customer's name for it."""
    made = session.api.post(session.path("kms/hosts"), {"name": args.host})
    told = f"Added {made['name']}. Next: xenbound kms upload {made['id']} FILE"
    session.screen.answer(made, lambda: session.screen.line(told))


def show_count(session: Session, args: argparse.Namespace) -> None:
    """A host's count."""
    host = find(session, "kms/hosts", args.host, what="KMS host")
    counted = session.api.get(session.path(f"kms/hosts/{host['id']}/count"), {"at": args.at} if args.at else {})
    session.screen.answer(counted, lambda: session.screen.fields(counted, COUNT))


def show_forecast(session: Session, args: argparse.Namespace) -> None:
    """A host's forecast with nothing planned: the days on which something changes."""
    host = find(session, "kms/hosts", args.host, what="KMS host")
    projected = session.api.get(session.path(f"kms/hosts/{host['id']}/forecast"), {"days": args.days})

    def tell() -> None:
        days = projected["days"]
        shown = [day for n, day in enumerate(days) if not n or any(day[k] != days[n - 1][k] for k in ("lower", "upper"))]
        session.screen.table(shown, DAYS, empty="Nothing can be projected: the host has no count.")
        for event in projected["events"]:
            session.screen.line(clean(event["detail"]))

    session.screen.answer(projected, tell)


def show_chart(session: Session, args: argparse.Namespace) -> None:
    """A host's count over time, as a table; the drawing goes to a file."""
    host = find(session, "kms/hosts", args.host, what="KMS host")
    asked = {"wave": args.wave, "moves_at": args.moves_at}
    query = {name: value for name, value in asked.items() if value}
    timeline = session.api.get(session.path(f"kms/hosts/{host['id']}/timeline"), query)
    if args.svg:
        save(Path(args.svg), session.api.download(session.path(f"kms/hosts/{host['id']}/drawing"), query))
        session.screen.note(f"Saved {args.svg}")

    def tell() -> None:
        session.screen.table(timeline["rows"], TIMELINE, empty="Nothing is known of this host yet.")
        session.screen.line(clean(timeline["summary"]))

    session.screen.answer(timeline, tell)


def look_around(session: Session, args: argparse.Namespace) -> None:
    """Look now, and say what was found."""
    job = session.api.post(session.path("kms/network"))
    if args.no_wait:
        session.screen.answer(job, lambda: session.screen.line(f"{job['kind']} {job['state']}: job {job['id']}"))
        return
    job = follow(session, job)
    session.screen.note(clean(job["message"]))
    show_network(session, args)


def show_network(session: Session, args: argparse.Namespace) -> None:
    """The way to the project's KMS hosts."""
    network = session.api.get(session.path("kms/network"), {"wave": args.wave} if args.wave else {})

    def tell() -> None:
        session.screen.table(network["findings"], NETWORK_FINDINGS, empty="Nothing stands against it, as far as is known.")
        records = [record | {"domain": each["domain"]} for each in network["lookups"] for record in each["records"]]
        session.screen.table(records, RECORDS, empty="DNS names no KMS host, or was not asked.")
        session.screen.table(network["tries"], TRIES, empty="No port was tried yet.")
        for each in network["suggestions"]:
            session.screen.line(f"not added yet: {clean(each['name'])}: xenbound kms add {clean(each['name'])}")

    session.screen.answer(network, tell)


def set_network(session: Session, args: argparse.Namespace) -> None:
    """Set what is given; the rest stays."""
    wanted = {"domains": args.domain, "resolvers": args.resolver, "every_hours": args.every_hours}
    changes = {name: value for name, value in wanted.items() if value is not None}
    if not changes:
        raise UsageError("Nothing to set is given.", next_step="Give --domain, --resolver or --every-hours.")
    settings = session.api.patch(session.path("kms/network"), changes)
    session.screen.answer(settings, lambda: session.screen.fields(settings, NETWORK_SETTINGS))


def show_verdict(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """The verdict for a wave, or for every client the project's hosts count today."""
    verdict = session.api.get(session.path("kms/verdict"), {"wave": args.wave} if args.wave else {})

    def tell() -> None:
        session.screen.line(f"KMS activation: {verdict['state']}. {clean(verdict['detail'])}")
        if verdict["remedy"]:
            session.screen.line(f"remedy: {verdict['remedy']}")
        for reason in verdict["reasons"]:
            session.screen.line(f"{reason['code']} {reason['subject']}: {reason['detail']}")
        session.screen.table(verdict["hosts"], VERDICT, empty="No KMS host has a reading.")
        if verdict["machines_not_seen"]:
            session.screen.line(f"not seen by any host: {cell(verdict['machines_not_seen'])}")
        if verdict["duplicates"]:
            session.screen.table(verdict["duplicates"], DUPLICATES)

    session.screen.answer(verdict, tell)
    return ExitCode.NOT_READY if verdict["closes_gate"] else None
