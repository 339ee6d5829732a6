"""findings and machines: what the assessment says about the estate."""

from __future__ import annotations

import argparse

from xenbound_cli.commands.grammar import Commands, add_filters, command, filters
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import count, size

FINDING_FILTERS = ("severity", "result", "rule_id", "subject", "cluster", "inventory")
MACHINE_FILTERS = ("verdict", "disposition", "name", "source")
FINDINGS = [
    Column("SEVERITY", "severity"),
    Column("RULE", "rule_id"),
    Column("RESULT", "result"),
    Column("SUBJECT", "subject_name"),
    Column("WAIVED BY", "waiver.approved_by"),
    Column("WHAT", "title"),
]
MACHINES = [
    Column("NAME", "name"),
    Column("VERDICT", "verdict"),
    Column("DISPOSITION", "disposition"),
    Column("POWER", "summary.power_state"),
    Column("GUEST", "summary.guest_full_name"),
    Column("CPUS", "summary.vcpus"),
    Column("MEMORY", "summary.memory_bytes", size),
    Column("DISKS", "summary.disk_bytes", size),
    Column("SOURCE", "source_name"),
    Column("ID", "id"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    found = command(commands, "findings", list_findings, "what the rules found, true or unknown")
    add_filters(found, *FINDING_FILTERS)
    machines = command(commands, "machines", list_machines, "the machines of all sources with their verdicts")
    add_filters(machines, *MACHINE_FILTERS)


def list_findings(session: Session, args: argparse.Namespace) -> None:
    """Findings of the latest inventories unless one is named."""
    document = session.api.everything(session.path("findings"), filters(args, *FINDING_FILTERS))
    rows = document["results"]

    def tell() -> None:
        session.screen.table(rows, FINDINGS, empty="No findings.")
        unknown = sum(row["result"] == "unknown" for row in rows)
        if unknown:
            session.screen.line(f"{count(len(rows), 'finding')}; of {count(unknown, 'one', 'these')} the facts are unknown.")

    session.screen.answer(document, tell)


def list_machines(session: Session, args: argparse.Namespace) -> None:
    """Machines by their stable identity."""
    document = session.api.everything(session.path("machines"), filters(args, *MACHINE_FILTERS))
    empty = "No machines; collect a source first."
    session.screen.answer(document, lambda: session.screen.table(document["results"], MACHINES, empty=empty))
