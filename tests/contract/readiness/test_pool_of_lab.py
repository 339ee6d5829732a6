"""The product against a pool of the lab, over the wire: certificates, facts, trials as evidence, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readiness.core.results import Result
from readiness.selectors.cases import drift, pool_picture
from readiness.selectors.pools import latest_facts, latest_inventory
from tests.builders.people import People
from tests.builders.pool_at_hand import PoolAtHand
from tests.contract.xapi_sim.pool_wire import Wire, start_pool

pytestmark = pytest.mark.django_db
NODES = {"san-a": "10.20.0.201", "san-b": "10.20.0.202"}


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    running = start_pool(tmp_path)
    yield running
    running.control.stop()
    running.sim.stop()


class Operator(PoolAtHand):
    """The owner at the API, who also attests and tries."""

    def __init__(self, people: People, wire: Wire) -> None:
        super().__init__(people, wire)
        self.ran("collect")

    def attest(self, kind: str, subject: str, value: dict[str, Any], **bound: Any) -> None:
        body = {
            "kind": kind,
            "subject": subject,
            "value": value,
            "tested_at": latest_facts(self.pool.id).collected_at.isoformat(),
        }
        answer = self.client.post(f"{self.address}/evidence", {**body, "who": "Ada", **bound})
        assert answer.status_code == 201, answer.content

    def trial(self, node: str, timeout_s: int) -> dict[str, Any]:
        """Pull a node, record what was seen, heal it."""
        seen = self.wire.run_trial("/pool/storage/cut", node=node)
        self.wire.desk("POST", "/pool/storage/heal", node=node)
        watched = [host.name for host in latest_facts(self.pool.id).hosts]
        value = {key: seen[key] for key in ("statefile_lost", "max_latency_s", "failover_s")}
        value |= {"method": "hard_power_cycle", "watched_hosts": watched, "fenced_hosts": seen["fenced"], "mirror_in_sync": True}
        self.attest("failover_test", "", value, timeout_s=timeout_s, storage_node=node)
        return seen

    def attest_cabling(self) -> None:
        facts = latest_facts(self.pool.id)
        devices = {pif.uuid: pif.device for pif in facts.pifs}
        for bond in facts.bonds:
            for n, uuid in enumerate(sorted(bond.slave_pif_uuids, key=lambda uuid: devices[uuid])):
                self.attest("switch_of_slave", uuid, {"switch": f"core-{n}"})
        nodes = [{"name": node, "portals": [address]} for node, address in NODES.items()]
        self.attest("storage_nodes", "", {"nodes": nodes})

    def verdict(self) -> dict[str, Any]:
        self.ran("readiness", {"collect": True})
        return dict(self.client.get(f"{self.address}/readiness").json())


def results(answer: dict[str, Any]) -> dict[str, str]:
    return {check["id"]: check["result"] for check in answer["checks"]}


@pytest.fixture
def operator(people: People, wire: Wire) -> Operator:
    return Operator(people, wire)


def test_every_hosts_certificate_is_confirmed_and_every_fact_of_the_pool_is_read(operator: Operator) -> None:
    shown = operator.client.get(operator.address).json()
    assert len(shown["tls_thumbprints"]) == 3
    reading = latest_inventory(operator.pool.id)
    assert reading is not None and reading.facts["unreadable"] == []


def test_the_storage_failover_that_fences_at_60_and_not_at_120_opens_the_gate(operator: Operator) -> None:
    first = operator.verdict()
    closed = [reason["code"] for reason in first["reasons"]]
    assert (first["verdict"], closed) == ("not_ready", ["HA-022", "HA-024", "HA-026", "HA-044", "HA-066"])

    operator.attest_cabling()
    assert operator.trial("san-a", 60)["fenced"] == ["xen03"]
    at_60 = operator.verdict()
    assert results(at_60)["HA-026"] == "fail"
    fault = next(fault for fault in at_60["simulated_faults"] if fault["subject"] == "san-a")
    assert fault["hosts_fenced"] == ["xen03"]

    operator.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120, persist=True)
    for node in NODES:
        assert operator.trial(node, 120)["fenced"] == []
    last = operator.verdict()
    assert (last["verdict"], last["reasons"]) == ("ready", [])
    singles = {fault["result"] for fault in last["simulated_faults"] if fault["kind"] != "pair"}
    assert singles == {"pass"}, "pairs that are worse than their parts only warn"

    operator.wire.desk("POST", "/pool/ha", enabled=False)
    operator.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=60)
    again = operator.verdict()
    assert again["verdict"] == "not_ready" and results(again)["HA-022"] == "fail"
    at = latest_facts(operator.pool.id).collected_at
    fallen = drift(operator.pool.id, at)
    assert (fallen.timeout_s, fallen.tuned_timeout_s, fallen.drifted) == (60, 120, True)


def test_a_cut_path_is_seen_over_the_wire(operator: Operator) -> None:
    operator.attest_cabling()
    operator.wire.desk("POST", "/pool/ha", enabled=True, timeout_s=120)
    operator.wire.desk("POST", "/pool/storage/cut", path="san-a", host="xen02")
    cut = operator.verdict()
    check = next(check for check in cut["checks"] if check["id"] == "HA-065")
    assert (check["result"], "xen02" in check["detail"]) == (Result.FAIL, True)
    at = latest_facts(operator.pool.id).collected_at
    summary = pool_picture(operator.pool.id, at).summary
    assert "xen02 to san-a" in summary


def test_a_pool_that_went_away_is_not_ready(operator: Operator) -> None:
    operator.wire.sim.stop()
    gone = operator.verdict()
    assert (gone["verdict"], [reason["code"] for reason in gone["reasons"]]) == ("not_ready", ["pool_unreachable"])
