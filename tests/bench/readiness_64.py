"""The facts of a pool of 64 hosts and 2,000 VMs read over TLS from the lab, and all checks and faults evaluated.

Beside the seconds: how many calls the reading takes, against a pool of 3 hosts and 3 VMs. The lab serves on the same cores.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from estate.connection import Connection
from estate.facts.pool import PoolFacts
from estate.xapi.pool import read_facts
from estate.xapi.session import XapiSession
from lab.xapi_sim import PoolSim, small_pool
from lab.xapi_sim.spec import GIB, PoolSpec, VmSpec
from project.backbone.clock import now
from readiness.core.engine import HaIntent
from readiness.core.faults.pairs import simulated_faults
from readiness.core.policy import GateProfile
from readiness.core.verdict import judge
from tests.builders.evidence import full_evidence
from tests.unit.readiness.cases import a_case

HOSTS, VMS = 64, 2_000
PASSWORD = "not-a-real-password"


def run(work: Path) -> dict[str, Any]:
    """One reading of each pool; the judging is timed apart."""
    small, large = _read(small_pool(), work / "small"), _read(_large(), work / "large")
    facts = large[0]
    began_s = time.monotonic()
    case = a_case(facts, full_evidence(facts))
    faults = simulated_faults(case)
    verdict = judge(case, intent=HaIntent.REQUIRED, gate=GateProfile("strict", 1, None), faults=faults)
    judged_s = time.monotonic() - began_s
    assert len(facts.hosts) == HOSTS and len(facts.vms) >= VMS, (len(facts.hosts), len(facts.vms))
    return {
        "name": "readiness_64",
        "unit": "seconds of wall time; calls",
        "runs": 1,
        "peer_version": "",
        "cases": [
            {"case": "read_and_evaluated_s", "ours": round(large[1] + judged_s, 3), "peer": None, "ratio": None},
            {"case": "calls_more_than_for_3_hosts", "ours": large[2] - small[2], "peer": None, "ratio": None, "limit": 0},
        ],
        "figures": {"read_s": large[1], "judged_s": round(judged_s, 3), "calls": large[2], "checks": len(verdict.checks)},
    }


def _large() -> PoolSpec:
    """The lab's small pool, with its first host and first VM many times."""
    spec = small_pool()
    hosts = tuple(
        replace(
            spec.hosts[0], name=f"xen{n:02}", address=f"127.0.1.{n}", uuid=f"00000000-0000-4000-8000-{n:012x}",
            memory_bytes=512 * GIB,
            nics=tuple(replace(nic, mac=f"0a:57:00:01:{n:02x}:{port:02x}") for port, nic in enumerate(spec.hosts[0].nics)),
        )
        for n in range(1, HOSTS + 1)
    )  # fmt: skip
    vms = tuple(
        VmSpec(f"vm-{n:04}", GIB, 1, f"xen{n % HOSTS + 1:02}", (f"0a:58:00:01:{n >> 8:02x}:{n & 255:02x}",), "guests",
               "san-lun-01", GIB // 8, ha_restart_priority="restart")
        for n in range(VMS)
    )  # fmt: skip
    return replace(spec, hosts=hosts, vms=vms)


def _read(spec: PoolSpec, work: Path) -> tuple[PoolFacts, float, int]:
    """Facts, seconds and calls of one reading, login included."""
    sim = PoolSim(spec, work, PASSWORD)
    sim.start()
    try:
        told = sim.lab_json()
        pins = frozenset(host["sha256"] for host in told["hosts"])
        began_s = time.monotonic()
        with _Counting(Connection(url=told["url"], username=told["user"], password=PASSWORD, pins=pins, name="pool")) as session:
            facts = read_facts(session, now())
        return facts, round(time.monotonic() - began_s, 3), session.calls
    finally:
        sim.stop()


class _Counting(XapiSession):
    """A session that counts its calls."""

    calls = 0

    def call(self, method: str, *parameters: Any) -> Any:
        self.calls += 1
        return super().call(method, *parameters)
