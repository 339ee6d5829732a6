"""evidence: what a person attests about a pool: switches, storage nodes, failover tests."""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xenbound_cli.commands.grammar import Commands, add_filters, command, filters, group
from xenbound_cli.exits import UsageError
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import moment

FILTERS = ("kind", "subject", "storage_node")
KINDS = (
    "failover_test", "switch_of_slave", "storage_nodes", "xhad_timeout", "maintenance", "manual_restart_runbook",
    "ntp_tracking", "coordinator_choice", "database_dump", "guest_shutdown_choice", "maintenance_plan", "emergency_runbook",
    "heartbeat_port", "network_pull_test", "nfs_server", "multipath_conf", "heartbeat_latency", "business_role", "dom0_disk",
    "alert_triage", "xapi_healthcheck", "feature_review", "host_failure_test", "storage_paths", "power_feed",
    "other",
)  # fmt: skip
LIST = [
    Column("KIND", "kind"),
    Column("SUBJECT", "subject"),
    Column("TESTED", "tested_at", moment),
    Column("AT (S)", "timeout_s"),
    Column("NODE", "storage_node"),
    Column("BY", "who"),
    Column("EXPIRES", "expires_at", moment),
    Column("WITHDRAWN", "withdrawn"),
    Column("VALUE", "value"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    evidence = group(commands, "evidence", "what people attest about a pool")
    listed = command(evidence, "list", list_evidence, "what was attested")
    add_filters(listed, *FILTERS)
    added = command(evidence, "add", add_evidence, "record what was tested or seen, by whom and when")
    for parser in (listed, added):
        parser.add_argument("pool", metavar="POOL", help="name or id")
    added.add_argument("--kind", required=True, metavar="KIND", help=", ".join(KINDS))
    added.add_argument("--who", required=True, metavar="NAME", help="who tested or saw it")
    added.add_argument("--tested-at", metavar="TIME", help="ISO 8601 with a zone; now unless told")
    added.add_argument("--subject", default="", metavar="TEXT", help="the thing it is about: a PIF, an SR, a host")
    added.add_argument("--value", default="{}", metavar="JSON", help="what was seen, as JSON; @FILE reads it from a file")
    added.add_argument("--timeout-s", type=int, metavar="N", help="the HA timeout it was tested at, in seconds")
    added.add_argument("--storage-node", default="", metavar="NAME")
    added.add_argument("--expires-at", metavar="TIME", help="ISO 8601 with a zone")
    added.add_argument("--note", default="", metavar="TEXT")
    added.add_argument("--attachment", metavar="FILE", help="the file that shows it, 20 MiB at most")


def list_evidence(session: Session, args: argparse.Namespace) -> None:
    """The pool's attestations, newest first."""
    pool = find(session, "pools", args.pool, what="pool")
    document = session.api.everything(session.path(f"pools/{pool['id']}/evidence"), filters(args, *FILTERS))
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty="Nothing was attested."))


def add_evidence(session: Session, args: argparse.Namespace) -> None:
    """Record one attestation."""
    body = _body(args, now=datetime.now(UTC))
    pool = find(session, "pools", args.pool, what="pool")
    content = read_file(args.attachment) if args.attachment else b""
    made = session.api.post(session.path(f"pools/{pool['id']}/evidence"), body)
    if args.attachment:
        session.screen.note(f"Recorded {made['kind']}: {made['id']}. Handing {Path(args.attachment).name} in ...")
        made = session.api.upload(
            session.path(f"pools/{pool['id']}/evidence/{made['id']}/file"), content, "application/octet-stream"
        )
    told = f"Recorded {made['kind']} for {pool['name']}: {made['id']}"
    session.screen.answer(made, lambda: session.screen.line(told))


def _body(args: argparse.Namespace, *, now: datetime) -> dict[str, Any]:
    """The attestation as the API takes it. Raises: UsageError."""
    return {
        "kind": args.kind,
        "subject": args.subject,
        "value": _value(args.value),
        "tested_at": args.tested_at or now.isoformat(),
        "timeout_s": args.timeout_s,
        "storage_node": args.storage_node,
        "who": args.who,
        "attachment": _attachment(args.attachment) if args.attachment else None,
        "expires_at": args.expires_at,
        "note": args.note,
    }


def _value(text: str) -> dict[str, Any]:
    told = text
    if text.startswith("@"):
        told = read_file(text[1:]).decode("utf-8", errors="replace")
    try:
        value = json.loads(told)
    except ValueError as error:
        raise UsageError(f"--value is no JSON: {error}.", next_step="""For example: --value '{"switch": "sw-a"}'""") from None
    if not isinstance(value, dict):
        raise UsageError("--value must be a JSON object.", next_step="""For example: --value '{"switch": "sw-a"}'""")
    return value


def _attachment(name: str) -> dict[str, str]:
    return {"name": Path(name).name, "sha256": hashlib.sha256(read_file(name)).hexdigest()}


def read_file(name: str) -> bytes:
    """A file the person named. Raises: UsageError."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from error
