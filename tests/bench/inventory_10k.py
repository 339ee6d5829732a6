"""Reading 10,000 machines and 250 hosts from govmomi's simulator, against a Go client and against pyVmomi's own objects.

All read over TLS on loopback from one running simulator, in turn; the simulator shares the machine's cores. pyVmomi is slow
and reads once for every other round. Rates drift, so the ratio inside one round is what counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from pyVmomi import vim

from estate.vsphere.inventory import hardware, machines
from estate.vsphere.inventory.paging import _newer_than
from tests.bench.into_database import environment
from tests.vcsim.server import CACHE, GOPATH, PASSWORD, USER, Vcsim, running_vcsim

ROUNDS = 5
SHAPE: dict[str, int | bool] = {"cluster": 10, "host": 25, "bare": 0, "vm": 1000, "datastore": 10, "pg": 10, "folder": 0}
SERVER_API = "vim.version.version11"  # 6.5, which the simulator speaks
PEER = Path(__file__).parent / "govmomi_peer"


def run(work: Path) -> dict[str, Any]:
    """Time all cases in turn after a warm-up of ours and the Go client."""
    paths = work / "paths.json"
    asked = asked_paths()
    paths.write_text(json.dumps(asked))
    go = build_peer(work)
    with running_vcsim(work, **SHAPE) as simulator:
        numbers = range(ROUNDS + 1)
        rounds = [one_round(simulator, go, paths, work / f"var-{n}", with_pyvmomi=n % 2 == 1) for n in numbers][1:]
    with_pyvmomi = [each for each in rounds if "pyvmomi" in each]
    return {
        "name": "inventory_10k",
        "unit": "seconds of wall time, MiB of memory",
        "runs": ROUNDS,
        "peer_version": "govmomi 0.24.2 (Debian), pyVmomi as locked",
        "cases": [
            case("fetch_and_decode_against_go_s", rounds, "go") | {"limit": 0.8},
            case("stored_against_go_s", rounds, "go", "stored") | {"limit": 1.1, "stretch": 0.8},
            case("fetch_and_decode_against_pyvmomi_s", with_pyvmomi, "pyvmomi") | {"limit": 0.35},
            {
                "case": "peak_rss_mib",
                "ours": max(each["ours"]["peak_rss_mib"] for each in rounds),
                "peer": None,
                "ratio": None,
                "limit": 300,
            },
        ],
        "figures": {"paths": {kind: len(names) for kind, names in asked.items()}, "rounds": rounds},
    }


def asked_paths() -> dict[str, list[str]]:
    """What the product asks this server for, by type."""
    wanted = {vim.VirtualMachine: machines._PATHS.split(), vim.HostSystem: hardware._HOST_PATHS.split()}
    return {kind._wsdlName: [path for path in names if not _newer_than(kind, path, SERVER_API)] for kind, names in wanted.items()}


def case(name: str, rounds: list[dict[str, Any]], peer: str, mine: str = "ours") -> dict[str, Any]:
    """Medians, and the median of the ratios inside a round."""
    if not rounds:
        return {"case": name, "ours": None, "peer": None, "ratio": None}
    pairs = [(each[mine]["seconds"], each[peer]["seconds"]) for each in rounds]
    return {
        "case": name,
        "ours": round(statistics.median(ours for ours, _ in pairs), 3),
        "peer": round(statistics.median(theirs for _, theirs in pairs), 3),
        "ratio": round(statistics.median(ours / theirs for ours, theirs in pairs), 3),
    }


def one_round(simulator: Vcsim, go: Path, paths: Path, var: Path, *, with_pyvmomi: bool) -> dict[str, Any]:
    """Everybody reads once; what is stored goes to a new database in `var`."""
    login = [simulator.url, USER, PASSWORD, simulator.files.sha256_fingerprint]
    reader = [sys.executable, "-m", "tests.bench.one_inventory", *login]
    sdk = f"https://{quote(USER)}:{quote(PASSWORD)}@{urlsplit(simulator.url).netloc}/sdk"
    cases = {"ours": reader, "go": [str(go), sdk, str(paths)], "stored": [*reader, "--stored"]}
    if with_pyvmomi:
        cases["pyvmomi"] = [*reader, "--paths", str(paths)]
    return {name: told(command, var) for name, command in cases.items()}


def told(command: list[str], var: Path) -> dict[str, Any]:
    """The JSON line a command prints."""
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | environment(var))
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def build_peer(work: Path) -> Path:
    """The Go client, built from its source."""
    binary = work / "govmomi_peer"
    environment = os.environ | {"GOPATH": str(GOPATH), "GO111MODULE": "off", "GOFLAGS": "", "GOCACHE": str(CACHE / "cache")}
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=PEER, env=environment, check=True)
    return binary
