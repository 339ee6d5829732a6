"""A watch after 1 % of 10,000 machines changed: asking, reading what moved and storing the new inventory, against the first read.

The lab's vCenter serves, in Python: what both readings waited for its first bytes is shown apart, and is part of both.
`python -m tests.bench.refresh_1pct DIR` is one whole run in a process of its own and prints its rounds.
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
from uuid import uuid4

from estate.connection import Connection
from estate.facts.source import VmFacts
from tests.bench import large_vcenter
from tests.bench.into_database import environment, stored

ROUNDS = 5
READINGS = ("with_surroundings", "machines_alone")
"""As a watch reads whenever it makes an inventory, and what the changed machines alone take of that."""
CHANGED = large_vcenter.VMS // 100


def run(work: Path) -> dict[str, Any]:
    """Read once, then refresh `ROUNDS` times; each time other machines have changed."""
    command = [sys.executable, "-m", "tests.bench.refresh_1pct", str(work)]
    done = subprocess.run(command, env=os.environ | environment(work / "var"), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the watch failed: {done.stderr[-2000:]}")
    seen = json.loads(done.stdout.splitlines()[-1])
    return {
        "name": "refresh_1pct",
        "unit": "seconds of wall time",
        "runs": ROUNDS,
        "peer_version": "the first read of the same estate",
        "cases": [_case(name, seen) for name in READINGS],
        "figures": seen | {f"{name}_without_the_server": _own_ratio(name, seen) for name in READINGS},
    }


def _case(name: str, seen: dict[str, Any]) -> dict[str, Any]:
    ours_s, first_s = statistics.median(seen[f"{name}_s"]), seen["first_s"]
    return {"case": name, "ours": round(ours_s, 3), "peer": round(first_s, 3), "ratio": round(ours_s / first_s, 4),
            "limit": 0.2, "stretch": 0.1}  # fmt: skip


def _own_ratio(name: str, seen: dict[str, Any]) -> float:
    """The same ratio when what either reading waited for the server's first bytes is taken away."""
    own_s = [whole - server for whole, server in zip(seen[f"{name}_s"], seen[f"{name}_server_s"], strict=True)]
    return round(float(statistics.median(own_s)) / (seen["first_s"] - seen["first_server_s"]), 4)


def watched(connection: Connection, server: subprocess.Popen[str]) -> dict[str, Any]:
    """Begin a watch, store the whole estate, then what changed, round by round."""
    from estate.vsphere.session import VsphereSession
    from estate.vsphere.watching import Watch

    seen: dict[str, Any] = {f"{name}{what}": [] for name in READINGS for what in ("_s", "_server_s")}
    with VsphereSession(connection) as session, Watch(session) as watch:
        watch.wait(0)
        before_s = session.server_s
        seen["first_s"] = stored(lambda on_page, alive: watch.read_all(on_page, alive=alive))["seconds"]
        seen["first_server_s"] = session.server_s - before_s
        watch.wait(0)
        for name in READINGS * ROUNDS:
            told(server, f"{CHANGED}\n")
            before_s = session.server_s
            seen[f"{name}_s"].append(refreshed(watch, surroundings=name == "with_surroundings"))
            seen[f"{name}_server_s"].append(session.server_s - before_s)
    return seen


def refreshed(watch: Any, *, surroundings: bool) -> float:
    """One look that finds the changes, reads and stores them; its seconds. Raises: AssertionError when it found others."""
    from migration.inventory.models import Inventory, Source
    from migration.inventory.services.refreshing import refresh
    from tests.builders.inventory import SYSTEM

    source = Source.objects.get()
    began_s = time.monotonic()
    changes = watch.fetch(watch.peek(10), surroundings=surroundings)
    machines = sum(isinstance(fact, VmFacts) for fact in changes.changed)
    assert not changes.full and machines == CHANGED, (changes.reason, machines)
    made = refresh(source, changed=changes.changed, gone=changes.gone, about=watch.about(changes), job_id=uuid4(), actor=SYSTEM)
    took_s = time.monotonic() - began_s
    assert made is not None and made.counts["vms"] == large_vcenter.VMS
    assert Inventory.objects.filter(latest_of=source).get() == made
    return took_s


def told(server: subprocess.Popen[str], line: str = "") -> dict[str, Any]:
    """Tell the server something and hear its answer."""
    assert server.stdin is not None and server.stdout is not None
    server.stdin.write(line)
    server.stdin.flush()
    answer: dict[str, Any] = json.loads(server.stdout.readline())
    return answer


def main(work: Path) -> None:
    """Serve, watch, print."""
    command = [sys.executable, "-m", "tests.bench.large_vcenter", str(work / "lab")]
    (work / "lab").mkdir(parents=True)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        login = told(server)
        connection = Connection(login["url"], login["user"], large_vcenter.PASSWORD, frozenset(login["pins"]), "bench")
        print(json.dumps(watched(connection, server)))
        assert server.stdin is not None
        server.stdin.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
