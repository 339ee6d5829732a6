"""projects: list them, make one, choose the one the other commands work on."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from xenbound_cli import config
from xenbound_cli.commands.grammar import Commands, command, group
from xenbound_cli.exits import CliError
from xenbound_cli.screen import Column
from xenbound_cli.session import Session, is_id

COLUMNS = [
    Column("NAME", "name"),
    Column("CUSTOMER", "customer_name"),
    Column("TARGET", "target_product"),
    Column("GATE", "gate_profile"),
    Column("POLICY", "policy_profile"),
    Column("ID", "id"),
]


def add(commands: Commands) -> None:
    """Declare the commands."""
    projects = group(commands, "projects", "the customer engagements you have a part in", list_projects)
    command(projects, "list", list_projects, "your projects")
    create = command(projects, "create", create_project, "make a project (superusers)")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--customer", required=True, metavar="NAME", help="made when there is none of this name")
    create.add_argument(
        "--target-product", default="xenserver-8.4", metavar="NAME", help="xenserver-8.4 (unless told) or xcp-ng-8.3"
    )
    create.add_argument(
        "--policy-profile", default="xenserver-8", metavar="NAME", help="xenserver-8 (unless told) or xenserver-2010"
    )
    create.add_argument("--gate-profile", default="field", metavar="NAME", help="field (unless told) or strict")
    use = command(projects, "use", use_project, "choose the project the other commands work on")
    use.add_argument("name", metavar="NAME", help="name or id")


def list_projects(session: Session, args: argparse.Namespace) -> None:
    """Every project the token may see."""
    document = session.api.everything("projects")
    session.screen.answer(
        document, lambda: session.screen.table(document["results"], COLUMNS, empty="You have a part in no project yet.")
    )


def create_project(session: Session, args: argparse.Namespace) -> None:
    """A project, and its customer when there is none of that name."""
    body = {
        "customer": _customer_id(session, args.customer),
        "name": args.name,
        "target_product": args.target_product,
        "policy_profile": args.policy_profile,
        "gate_profile": args.gate_profile,
    }
    made = session.api.post("projects", body)
    session.screen.answer(
        made, lambda: session.screen.line(f"Made project {made['name']}. Choose it: xenbound projects use {made['id']}")
    )


def _customer_id(session: Session, name: str) -> str:
    found = session.api.rows("customers", {"name": name})
    if found:
        return str(found[0]["id"])
    made = session.api.post("customers", {"name": name})
    session.screen.note(f"Made customer {name}.")
    return str(made["id"])


def use_project(session: Session, args: argparse.Namespace) -> None:
    """Keep the choice in the configuration file."""
    project = _project(session, args.name)
    stored = config.read(session.config_path)
    if stored.url != session.settings.url:
        raise CliError(
            f"The configuration file knows {stored.url or 'no server'}, not {session.settings.url}.",
            next_step=f"Set XENBOUND_PROJECT={project['id']}, or sign in there: xenbound login {session.settings.url}",
        )
    config.write(session.config_path, replace(stored, project=project["id"]))
    session.screen.answer(project, lambda: session.screen.line(f"Working on {project['name']} ({project['customer_name']})."))


def _project(session: Session, text: str) -> dict[str, Any]:
    if is_id(text):
        return dict(session.api.get(f"projects/{text}"))
    rows = session.api.rows("projects", {"name": text})
    if len(rows) != 1:
        told = f"There is no project named {text} among yours." if not rows else f"There are {len(rows)} projects named {text}."
        raise CliError(told, next_step="See xenbound projects list, and give the id.")
    return rows[0]
