"""Opening: the lab comes up, the product comes up, and two people get their logins."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.demo.client import Person
from lab.demo.processes import ROOT, Child, free_port, manage, start_embedded, start_full, start_lab
from lab.demo.stagehand import Stagehand
from lab.demo.story import Story

CLOCK_FACTOR = 60.0
LEASE_S = 6
SEGMENT_BYTES = 16 << 20
SHUTDOWN_DEADLINE_S = 6


def var_dir() -> Path:
    """Where the demonstration keeps its state: var/ of the checkout, or XENBOUND_VAR."""
    return Path(os.environ.get("XENBOUND_VAR", str(ROOT / "var")))


@dataclass
class Cast:
    """Everybody and everything on stage."""

    story: Story
    folder: Path
    described: dict[str, Any]
    stagehand: Stagehand
    operator: Person
    approver: Person
    logins: dict[str, str]
    children: list[Child]

    def close(self) -> None:
        """Stop what was started, last first."""
        for child in reversed(self.children):
            child.stop()


def product_environment(folder: Path, *, full: bool = False) -> dict[str, str]:
    """The product's settings: a short lease and small segments, so that a killed worker is seen to be replaced."""
    services = {} if full else {"DATABASE_URL": "", "REDIS_URL": ""}
    return {
        **services,
        "XENBOUND_VAR": str(folder / "site"),
        "XENBOUND_IMPORT_DIR": str(folder / "lab" / "state" / "packages"),
        "XENBOUND_JOB_LEASE_S": str(LEASE_S),
        "XENBOUND_SEGMENT_BYTES": str(SEGMENT_BYTES),
        "XENBOUND_SHUTDOWN_DEADLINE_S": str(SHUTDOWN_DEADLINE_S),
    }


def open_stage(story: Story, *, full: bool = False) -> Cast:
    """Start lab and product on a fresh folder and make the two people; `full` on PostgreSQL, Redis and Celery. Raises NotUp."""
    folder = var_dir() / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    children: list[Child] = []
    with story.stage("The lab opens") as stage:
        lab, described = start_lab(folder / "lab", CLOCK_FACTOR)
        children.append(lab)
        packages = len(described["appliances"]["packages"])
        stage.figure = (
            f"a vCenter at {described['vcenter']['url']}, a pool of {len(described['pool']['hosts'])} hosts, "
            f"a workbook of the vCenter and {packages} appliances"
        )
    with story.stage("Xenbound starts") as stage:
        base_url, admin_password = _start_product(folder, children, full=full)
        stage.figure = f"{'full' if full else 'embedded'} mode at {base_url}"
    logins = {"operator": secrets.token_urlsafe(12), "approver": secrets.token_urlsafe(12), "admin": admin_password}
    operator, approver = _make_people(base_url, admin_password, logins)
    return Cast(story, folder, described, Stagehand(described), operator, approver, logins, children)


def _start_product(folder: Path, children: list[Child], *, full: bool) -> tuple[str, str]:
    port, password = free_port(), secrets.token_urlsafe(12)
    environment = product_environment(folder, full=full)
    log = folder / "site" / "xenbound.log"
    manage(["migrate", "--noinput"], environment, log)
    manage(["createadmin"], {**environment, "XENBOUND_ADMIN_USERNAME": "admin", "XENBOUND_ADMIN_PASSWORD": password}, log)
    children.extend((start_full if full else start_embedded)(port, environment, log))
    return f"http://127.0.0.1:{port}", password


def _make_people(base_url: str, admin_password: str, logins: dict[str, str]) -> tuple[Person, Person]:
    admin = Person(base_url, "admin", admin_password)
    customer = admin.post("customers", {"name": "Northwind Tools"})
    project = admin.post(
        "projects",
        {
            "customer": customer["id"],
            "name": "Leaving VMware",
            "policy_profile": "xenserver-8",
            "gate_profile": "field",
            "target_product": "xenserver-8.4",
        },
    )
    for name, role, is_approver in (("operator", "operator", False), ("approver", "viewer", True)):
        user = admin.post("users", {"username": name, "password": logins[name]})
        admin.post(f"projects/{project['id']}/members", {"user": user["id"], "role": role, "approver": is_approver})
    people = Person(base_url, "operator", logins["operator"]), Person(base_url, "approver", logins["approver"])
    for person in people:
        person.project_id = project["id"]
    return people
