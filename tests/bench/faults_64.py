"""Every single fault and every class of pairs of a pool of 64 hosts, of which each has two storage ports on two fabrics."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from readiness.core.evidence import EvidenceKind
from readiness.core.faults.pairs import simulated_faults
from tests.builders.evidence import full_evidence, said_of_hosts
from tests.builders.pools import MIB, a_pool, a_vm
from tests.unit.readiness.cases import a_case

HOSTS, VMS = 64, 2_000
ROUNDS = 5
LIMIT_S = 5.0


def run(work: Path) -> dict[str, Any]:
    """Seconds of the processor for all of it; how many faults and pairs it tells beside that."""
    vms = tuple(a_vm(f"v{n}", resident_on_uuid=f"h{n % HOSTS + 1}", memory_static_max_bytes=512 * MIB) for n in range(VMS))
    pool = a_pool(hosts=HOSTS, vms=vms)
    case = a_case(pool, (*full_evidence(pool), *said_of_hosts(pool, EvidenceKind.STORAGE_PATHS)))
    took_s, told = [], ()
    for _ in range(ROUNDS):
        began_s = time.process_time()
        told = simulated_faults(case)
        took_s.append(time.process_time() - began_s)
    pairs = [fault for fault in told if fault.kind == "pair"]
    ours = round(statistics.median(took_s), 3)
    return {
        "name": "faults_64",
        "unit": "seconds of the processor",
        "runs": ROUNDS,
        "peer_version": "",
        "cases": [{"case": "all_singles_and_pair_classes", "ours": ours, "peer": None, "limit": LIMIT_S}],
        "figures": {"singles": len(told) - len(pairs), "pairs_told": len(pairs), "pairs_alike": sum(p.alike for p in pairs)},
    }
