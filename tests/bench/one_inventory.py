"""One reading of an estate in a process of its own, for the bench: by the product, or into pyVmomi's own objects.

Prints one JSON line: seconds, machines, the server's seconds where they are known, peak memory in MiB.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from pyVmomi import vim

from estate.connection import Connection
from estate.facts.source import SourceAbout, SourceFact
from estate.vsphere import inventory
from estate.vsphere.session import VsphereSession
from tests.bench.into_database import stored
from tests.bench.one_copy import peak_rss_mib
from tests.contract.vsphere import typed


def ours(connection: Connection) -> dict[str, Any]:
    """Read and decode everything; the facts are counted and dropped, page by page."""
    counts: dict[str, int] = {}

    def count(kind: str, facts: list[SourceFact]) -> None:
        counts[kind] = counts.get(kind, 0) + len(facts)

    with VsphereSession(connection) as session:
        began_s = time.monotonic()
        about = inventory.collect(session, on_page=count)  # type: ignore[arg-type]
        seconds = time.monotonic() - began_s
    return {"seconds": seconds, "vms": counts["vm"], "server_s": dict(about.measured_s)["server"]}


def ours_stored(connection: Connection) -> dict[str, Any]:
    """Read, decode and store everything as a complete inventory."""
    with VsphereSession(connection) as session:

        def read(on_page: Any, alive: Any) -> SourceAbout:
            return inventory.collect(session, on_page=on_page, alive=alive)

        return stored(read)


def pyvmomis(connection: Connection, paths: dict[str, list[str]]) -> dict[str, Any]:
    """The same properties of hosts and machines as pyVmomi's objects."""
    with typed.typed_session(connection) as instance:
        began_s = time.monotonic()
        typed.objects(instance, vim.HostSystem, *paths["HostSystem"])
        found = typed.objects(instance, vim.VirtualMachine, *paths["VirtualMachine"])
        return {"seconds": time.monotonic() - began_s, "vms": len(found)}


def main() -> None:
    """Read once as the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("pin")
    parser.add_argument("--paths")
    parser.add_argument("--stored", action="store_true")
    given = parser.parse_args()
    connection = Connection(given.url, given.user, given.password, frozenset({given.pin}), "bench")
    if given.paths:
        with open(given.paths) as file:
            result = pyvmomis(connection, json.load(file))
    else:
        result = ours_stored(connection) if given.stored else ours(connection)
    print(json.dumps(result | {"peak_rss_mib": peak_rss_mib()}))


if __name__ == "__main__":
    main()
