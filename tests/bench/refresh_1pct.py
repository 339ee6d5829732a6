"""A watch after a change of one machine in a hundred of 10,000, against the first reading; both stored in the database.

Against govmomi's simulator on loopback, which shares the machine's cores: its own time, until the first byte of each answer to a
reading, is shown apart. `python -m tests.bench.refresh_1pct DIR` is one run in a process of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.inventory_10k import SHAPE

ROUNDS = 5
CHANGED = 100
LIMIT, STRETCH = 0.2, 0.1


def run(work: Path) -> dict[str, Any]:
    """One first reading and several refreshes in a fresh process with a database of its own."""
    environment = {**os.environ, "XENBOUND_VAR": str(work), "DATABASE_URL": "", "XENBOUND_WATCH_COALESCE_S": "0"}
    command = [sys.executable, "-m", "tests.bench.refresh_1pct", str(work)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the watch failed: {done.stderr[-2000:]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    refresh = statistics.median(seen["refresh_s"])
    return {
        "name": "refresh_1pct",
        "unit": "seconds of wall time",
        "runs": ROUNDS,
        "peer_version": "the first reading of the same source, stored",
        "cases": [
            {
                "case": "refresh_of_100_of_10000_against_first_reading",
                "ours": round(refresh, 3),
                "peer": seen["first_s"],
                "ratio": round(refresh / seen["first_s"], 3),
                "limit": LIMIT,
                "stretch": STRETCH,
            }
        ],
        "figures": seen,
    }


def _measure(work: Path) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.contract.vsphere import typed
    from tests.vcsim.server import running_vcsim

    call_command("migrate", verbosity=0)
    with running_vcsim(work, **SHAPE) as simulator:
        look = _watched(simulator)
        first_s = look()
        refreshes, servers = [], []
        with typed.typed_session(simulator.connection()) as instance:
            machines = _machines(instance)
            for number in range(ROUNDS):
                _switch(instance, machines[number * CHANGED : (number + 1) * CHANGED])
                refreshes.append(look())
                servers.append(_server_s())
    return {"first_s": round(first_s, 3), "refresh_s": refreshes, "server_s": servers, "inventories": _inventories()}


def _watched(simulator: Any) -> Any:
    """The source of this simulator with its watch on; gives what makes one look and says how long it took."""
    from migration.inventory.models import Source
    from migration.inventory.services.watching import set_watch
    from project.backbone.endpoints.sealing import seal
    from project.backbone.models import Customer, Endpoint, Job, Project
    from tests.builders.inventory import SYSTEM
    from tests.builders.jobs import run_jobs
    from tests.vcsim.server import PASSWORD, USER

    project = Project.objects.create(customer=Customer.objects.create(name="bench"), name="bench")
    endpoint = Endpoint.objects.create(
        project=project, kind="vcenter", name="vcsim", url=simulator.url, username=USER, sealed_password=seal(PASSWORD),
        pins=[simulator.files.sha256_fingerprint],
    )  # fmt: skip
    set_watch(Source.objects.create(project=project, kind="vcenter", endpoint=endpoint), enabled=True, actor=SYSTEM)

    def look() -> float:
        Job.objects.filter(kind="inventory.watch", state="waiting").update(state="queued")
        began = time.perf_counter()
        run_jobs(kind="inventory.watch", most=2)
        return round(time.perf_counter() - began, 3)

    return look


def _machines(instance: Any) -> list[Any]:
    from pyVmomi import vim

    from tests.contract.vsphere import typed

    found = typed.objects(instance, vim.VirtualMachine, "name").values()
    return [each["self"] for each in sorted(found, key=lambda each: each["name"])]


def _switch(instance: Any, machines: list[Any]) -> None:
    """Somebody powers these off."""
    for machine in machines:
        machine.PowerOffVM_Task()
    time.sleep(2)


def _server_s() -> float:
    from migration.inventory.models import Inventory

    newest = Inventory.objects.filter(state="complete").latest("created_at")
    return float(dict(newest.about["measured_s"])["server"])


def _inventories() -> list[str]:
    from migration.inventory.models import Inventory

    return list(Inventory.objects.filter(state="complete").order_by("created_at").values_list("made_by", flat=True))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    print(json.dumps(_measure(Path(sys.argv[1]))))
