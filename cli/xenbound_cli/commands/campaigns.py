"""campaign: find the HA timeout of a pool, one watched pull of a storage node at a time, in the pool's newest campaign."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from xenbound_cli.commands.evidence import read_file
from xenbound_cli.commands.grammar import Commands, add_waiting, command, group, start
from xenbound_cli.exits import CliError, ExitCode
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import clean, moment

LIST = [
    Column("STATE", "state"),
    Column("BEGAN", "created_at", moment),
    Column("BY", "created_by"),
    Column("TUNED (S)", "tuned_timeout_s"),
    Column("ENDED", "ended_at", moment),
    Column("ID", "id"),
]
TRIALS = [
    Column("NODE", "storage_node"),
    Column("AT (S)", "timeout_s"),
    Column("HOW", "method"),
    Column("STATE", "state"),
    Column("FENCED", "fenced"),
    Column("LATENCY (S)", "latency_s"),
    Column("BEGAN", "began_at", moment),
    Column("ID", "id"),
]
OPEN_TRIAL = frozenset({"requested", "watching", "ending", "watched"})


def add(commands: Commands) -> None:
    """Declare the commands."""
    campaign = group(commands, "campaign", "find the HA timeout of a pool")
    _named(campaign, "list", list_campaigns, "the pool's campaigns, newest first")
    begun = _named(campaign, "begin", begin, "begin a campaign")
    begun.add_argument("--start-s", type=int, metavar="N", help="where the ladder begins, in seconds; 60 unless told")
    begun.add_argument("--start-reason", default="", metavar="TEXT", help="why it does not begin at 60 s")
    begun.add_argument("--expendable", action="append", default=[], metavar="VM", help="a VM that may go down; may be repeated")
    _named(campaign, "show", show, "what to do next, and what the trials showed")
    _named(campaign, "preflight", preflight, "ask again what stands against a trial")
    _named(campaign, "commands", show_commands, "all commands, and the way out of endless fencing")
    for name, run, text in (
        ("set-timeout", set_timeout, "let the service set the timeout; needs a grant for this pool"),
        ("restore", restore, "let the service give back what HA was before its newest change; needs a grant"),
    ):
        add_waiting(_named(campaign, name, run, text))
    _add_window(campaign)
    looked = _named(campaign, "lookup", lookup, "read the heartbeat SR out of what the lookup command printed")
    looked.add_argument("file", metavar="FILE", help="the listing; - is standard input")
    _named(campaign, "abandon", abandon, "end it without a result").add_argument("--reason", required=True, metavar="TEXT")
    _add_trials(campaign)


def _named(commands: Commands, name: str, run: Any, help_text: str) -> argparse.ArgumentParser:
    parser = command(commands, name, run, help_text)
    parser.add_argument("pool", metavar="POOL", help="name or id")
    return parser


def _add_window(campaign: Commands) -> None:
    window = _named(campaign, "window", sign_window, "record the change window that the VMware side's owner signed")
    window.add_argument("--owner", required=True, metavar="NAME", help="who signed")
    window.add_argument("--from", required=True, metavar="TIME", dest="starts_at", help="ISO 8601 with a zone")
    window.add_argument("--until", required=True, metavar="TIME", dest="ends_at", help="ISO 8601 with a zone")
    window.add_argument("--document", required=True, metavar="FILE", help="the signed document; name and SHA-256 are recorded")


def _add_trials(campaign: Commands) -> None:
    trial = _named(campaign, "trial", start_trial, "begin to watch a trial; pull the node once it is watched")
    trial.add_argument("node", metavar="NODE", help="the storage node that will be powered off")
    trial.add_argument("--graceful", action="store_true", help="it is stopped gracefully: stored, but it does not count")
    trial.add_argument("--key", default="", metavar="TEXT", help="Idempotency-Key: the same key never starts it twice")
    ended = _named(campaign, "end", end_trial, "node, mirror and hosts are back")
    for parser in (trial, ended):
        parser.add_argument("--storage-healthy", action="store_true", help="you looked, and all of the storage is healthy")
        parser.add_argument("--mirror-in-sync", action="store_true", help="you looked, and the mirror is in sync")
    confirmed = _named(campaign, "confirm", confirm_trial, "confirm what was seen: it becomes evidence")
    confirmed.add_argument("--who", required=True, metavar="NAME", help="who watched")
    confirmed.add_argument("--max-latency-s", type=float, metavar="N", help="highest state-file latency measured")
    confirmed.add_argument("--failover-s", type=float, metavar="N", help="longest failover a host lived through")
    confirmed.add_argument("--pulled-at", metavar="TIME", help="when the power was cut, ISO 8601 with a zone")
    confirmed.add_argument("--fenced", action="append", default=[], metavar="HOST", help="a further host you saw fence")
    confirmed.add_argument("--note", default="", metavar="TEXT")
    _named(campaign, "discard", discard_trial, "set the open trial aside; it is kept and does not count").add_argument(
        "--reason", required=True, metavar="TEXT"
    )


def list_campaigns(session: Session, args: argparse.Namespace) -> None:
    """All campaigns of the pool."""
    document = session.api.everything(session.path(_collection(session, args)))
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty="There is no campaign."))


def begin(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Begin a campaign and say what to do next."""
    body: dict[str, Any] = {"start_reason": args.start_reason, "expendable_vms": args.expendable}
    if args.start_s is not None:
        body["start_s"] = args.start_s
    return _told(session, session.api.post(session.path(_collection(session, args)), body))


def show(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """The newest campaign; exit 3 while something stands against a trial."""
    return _told(session, session.api.get(_newest(session, args)))


def preflight(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Ask what stands against a trial by the newest facts."""
    return _told(session, session.api.post(f"{_newest(session, args)}/preflight"))


def show_commands(session: Session, args: argparse.Namespace) -> None:
    """Every command of the campaign, by purpose."""
    told = session.api.get(f"{_newest(session, args)}/commands")
    session.screen.answer(told, lambda: _tell_commands(session, told))


def set_timeout(session: Session, args: argparse.Namespace) -> None:
    """Set the timeout of the next step by the service itself."""
    start(session, args, f"{_newest_below(session, args)}/set-timeout")


def restore(session: Session, args: argparse.Namespace) -> None:
    """Give the pool back what it was."""
    start(session, args, f"{_newest_below(session, args)}/restore-timeout")


def _tell_commands(session: Session, told: dict[str, Any]) -> None:
    titles = {"lookup": "Look the heartbeat SR up:", "set_timeout": "Set the timeout:"}
    titles["record_latency"] = "Have each host keep its state-file latency, before a trial:"
    titles["emergency"] = "Way out of endless fencing, on each host's own console; the service never runs it:"
    for purpose, title in titles.items():
        session.screen.line(title)
        _lines(session, told[purpose])


def sign_window(session: Session, args: argparse.Namespace) -> ExitCode | None:
    """Record the signed change window."""
    document = {"name": Path(args.document).name, "sha256": hashlib.sha256(read_file(args.document)).hexdigest()}
    body = {"owner": args.owner, "starts_at": args.starts_at, "ends_at": args.ends_at, "document": document}
    return _told(session, session.api.post(f"{_newest(session, args)}/change-window", body))


def lookup(session: Session, args: argparse.Namespace) -> None:
    """The SR's uuid, if the listing proves it."""
    listing = session.shell.stdin.read() if args.file == "-" else read_file(args.file).decode("utf-8", errors="replace")
    found = session.api.post(f"{_newest(session, args)}/lookup", {"listing": listing})
    session.screen.answer(found, lambda: session.screen.line(found["sr_uuid"]))


def abandon(session: Session, args: argparse.Namespace) -> None:
    """End the campaign without a result."""
    _told(session, session.api.post(f"{_newest(session, args)}/abandon", {"reason": args.reason}))


def start_trial(session: Session, args: argparse.Namespace) -> None:
    """Ask for a trial. Its job watches until the trial is ended, so there is nothing to wait for here."""
    body = {
        "storage_node": args.node,
        "method": "graceful" if args.graceful else "hard_power_cycle",
        "storage_healthy": args.storage_healthy,
        "mirror_in_sync": args.mirror_in_sync,
    }
    job = session.api.post(f"{_newest(session, args)}/trials", body, key=args.key)
    text = f"Asked for. Do not touch {clean(args.node)} before `xenbound campaign show {clean(args.pool)}` says so."
    session.screen.answer(job, lambda: session.screen.line(text))


def end_trial(session: Session, args: argparse.Namespace) -> None:
    """End the watch."""
    body = {"storage_healthy": args.storage_healthy, "mirror_in_sync": args.mirror_in_sync}
    _told_trial(session, session.api.post(f"{_open_trial(session, args)}/end", body))


def confirm_trial(session: Session, args: argparse.Namespace) -> None:
    """Confirm what was seen, with what was measured by hand."""
    body = {
        "who": args.who,
        "max_latency_s": args.max_latency_s,
        "failover_s": args.failover_s,
        "pulled_at": args.pulled_at,
        "fenced_hosts": args.fenced,
        "note": args.note,
    }
    _told_trial(session, session.api.post(f"{_open_trial(session, args)}/result", body))


def discard_trial(session: Session, args: argparse.Namespace) -> None:
    """Set the open trial aside."""
    _told_trial(session, session.api.post(f"{_open_trial(session, args)}/discard", {"reason": args.reason}))


def _collection(session: Session, args: argparse.Namespace) -> str:
    return f"pools/{find(session, 'pools', args.pool, what='pool')['id']}/campaigns"


def _newest(session: Session, args: argparse.Namespace) -> str:
    """Path of the pool's newest campaign. Raises: CliError when it has none."""
    return session.path(_newest_below(session, args))


def _newest_below(session: Session, args: argparse.Namespace) -> str:
    """The same below the project."""
    collection = _collection(session, args)
    rows = session.api.get(session.path(collection), {"limit": "1", "ordering": "-created_at"})["results"]
    if not rows:
        raise CliError(f"Pool {args.pool} has no campaign.", next_step=f"xenbound campaign begin {args.pool}")
    return f"{collection}/{rows[0]['id']}"


def _open_trial(session: Session, args: argparse.Namespace) -> str:
    """Path of the campaign's trial that has not ended. Raises: CliError when there is none."""
    campaign = _newest(session, args)
    row = next((each for each in session.api.get(campaign)["trials"] if each["state"] in OPEN_TRIAL), None)
    if row is None:
        raise CliError("No trial of this campaign is open.", next_step=f"xenbound campaign show {args.pool}")
    return f"{campaign}/trials/{row['id']}"


def _told(session: Session, campaign: dict[str, Any]) -> ExitCode | None:
    session.screen.answer(campaign, lambda: _tell(session, campaign))
    return ExitCode.NOT_READY if campaign["state"] == "preflight_failed" else None


def _tell(session: Session, campaign: dict[str, Any]) -> None:
    session.screen.line(f"Campaign {campaign['state'].replace('_', ' ')}. {campaign['sentence']}")
    _lines(session, campaign["commands"])
    if campaign["trials"]:
        session.screen.table([_row(trial) for trial in campaign["trials"]], TRIALS)


def _lines(session: Session, commands: list[dict[str, Any]]) -> None:
    for each in commands:
        session.screen.line(f"  [{clean(each['where'])}] {each['line']}")
        if each["expect"]:
            session.screen.line(f"      expect: {each['expect']}")


def _row(trial: dict[str, Any]) -> dict[str, Any]:
    """A trial as a line. What nobody can say stays a dash or `unknown`, never `none`."""
    watched = trial["watched"] or {"hosts": [], "max_latency_s": None}
    fates = [host["fenced"] for host in watched["hosts"]]
    fenced = None if not fates else f"{fates.count(True)} of {len(fates)}"
    unknown = f" ({fates.count(None)} unknown)" if fates.count(None) else ""
    latency_s = (trial["result"] or watched).get("max_latency_s")
    return {**trial, "fenced": fenced and fenced + unknown, "latency_s": latency_s}


def _told_trial(session: Session, trial: dict[str, Any]) -> None:
    session.screen.answer(trial, lambda: session.screen.table([_row(trial)], TRIALS))
