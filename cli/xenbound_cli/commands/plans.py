"""plan: make one, look at its waves and at who stays behind, approve it."""

from __future__ import annotations

import argparse
from typing import Any

from xenbound_cli.commands import mappings
from xenbound_cli.commands.grammar import Commands, add_waiting, command, group, start
from xenbound_cli.lookup import find
from xenbound_cli.screen import Column
from xenbound_cli.session import Session
from xenbound_cli.texts import clean, count, moment

LIST = [
    Column("NAME", "name"),
    Column("KIND", "kind"),
    Column("STATE", "state"),
    Column("MADE BY", "created_by"),
    Column("APPROVED BY", "approved_by"),
    Column("MADE", "created_at", moment),
    Column("ID", "id"),
]
MACHINES = [Column("WAVE", "wave"), Column("MACHINE", "name"), Column("TEMPLATE", "placement.template_name")]


def add(commands: Commands) -> None:
    """Declare the commands."""
    plan = group(commands, "plan", "mappings, plans and their approval", list_plans)
    mappings.add(plan)
    command(plan, "list", list_plans, "the project's plans")
    create = command(plan, "create", create_plan, "place machines and order them into waves")
    create.add_argument("--pool", required=True, metavar="POOL")
    create.add_argument("--mapping", required=True, metavar="MAPPING")
    create.add_argument("--name", metavar="NAME")
    create.add_argument("--kind", default="migration", metavar="KIND", help="migration (unless told) or poc")
    create.add_argument("--machine", action="append", metavar="NAME", help="repeat it; all that shall migrate unless told")
    add_waiting(create)
    shown = command(plan, "show", show_plan, "its waves and who stays behind")
    shown.add_argument("--why", action="store_true", help="say of every machine why it is placed so")
    approved = command(plan, "approve", approve_plan, "freeze it, as somebody who did not make it")
    for parser in (shown, approved):
        parser.add_argument("plan", metavar="PLAN", help="name or id")


def list_plans(session: Session, args: argparse.Namespace) -> None:
    """The project's plans."""
    document = session.api.everything(session.path("plans"), {"ordering": "-created_at"})
    empty = "No plan yet: xenbound plan create"
    session.screen.answer(document, lambda: session.screen.table(document["results"], LIST, empty=empty))


def create_plan(session: Session, args: argparse.Namespace) -> None:
    """Make a plan and show it."""
    body: dict[str, Any] = {
        "kind": args.kind,
        "pool": find(session, "pools", args.pool, what="pool")["id"],
        "mapping": find(session, "mappings", args.mapping, what="mapping")["id"],
    }
    if args.name:
        body["name"] = args.name
    if args.machine:
        body["machines"] = [find(session, "machines", name, what="machine", by_filter=True)["id"] for name in args.machine]
    job, ended = start(session, args, "plans", body)
    if ended:
        _show(session, session.api.get(session.path(f"plans/{job['result']['plan_id']}")))


def show_plan(session: Session, args: argparse.Namespace) -> None:
    """One plan."""
    _show(session, find(session, "plans", args.plan, what="plan"), why=args.why)


def approve_plan(session: Session, args: argparse.Namespace) -> None:
    """Approve a plan as the second person."""
    plan = find(session, "plans", args.plan, what="plan")
    approved = session.api.post(session.path(f"plans/{plan['id']}/approve"))
    told = f"Plan {approved['name']} is approved by {approved['approved_by']}; it does not change any more."
    session.screen.answer(approved, lambda: session.screen.line(told))


def _show(session: Session, plan: dict[str, Any], *, why: bool = False) -> None:
    def tell() -> None:
        by = f", approved by {plan['approved_by']}" if plan["approved_by"] else ""
        session.screen.line(f"Plan {clean(plan['name'])} is {plan['state']}{by}: {plan['id']}")
        for wave in plan["waves"]:
            session.screen.line(f"Wave {clean(wave['name'])}: {count(len(wave['machines']), 'machine')}: {wave['id']}")
        rows = [{**machine, "wave": wave["name"]} for wave in plan["waves"] for machine in wave["machines"]]
        session.screen.table(rows, MACHINES, empty="No machine is in a wave.")
        for machine in rows if why else ():
            for sentence in machine["why"]:
                session.screen.line(f"{clean(machine['name'])}: {sentence}")
        for left in plan["left_out"]:
            for reason in left["reasons"]:
                session.screen.line(f"left out: {clean(left['name'])}: {reason['sentence']}")

    session.screen.answer(plan, tell)
