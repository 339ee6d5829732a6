"""The two-host pool that ruins a weekend: what Xenbound says of it beforehand, and what the lab's pool then really does.

docs/story-two-hosts.md tells it to people.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.worlds.pool import two_host_pool
from lab.xapi_sim.spec import PoolSpec
from readiness.selectors.pools import latest_facts
from tests.builders.people import People
from tests.builders.tuning import Tuner

pytestmark = pytest.mark.django_db
Start = Callable[[PoolSpec], Tuner]


SWITCHES = {"eth0": "core-1", "eth1": "storage-1", "eth3": "storage-2"}


def cabled(tuner: Tuner) -> Tuner:
    """Management on one switch; storage on two of its own."""
    for pif in latest_facts(tuner.pool.id).pifs:
        if pif.device in SWITCHES and pif.physical:
            tuner.attest("switch_of_slave", pif.uuid, {"switch": SWITCHES[pif.device]})
    return tuner


@pytest.fixture
def tuner(tuner_of: Start) -> Tuner:
    return cabled(tuner_of(two_host_pool()))


def check(verdict: dict[str, Any], check_id: str) -> dict[str, Any]:
    return dict(next(each for each in verdict["checks"] if each["id"] == check_id))


def test_it_is_not_ready_and_the_host_that_is_named_is_the_one_that_fences(tuner: Tuner) -> None:
    verdict = tuner.verdict()
    assert verdict["verdict"] == "not_ready"
    assert check(verdict, "HA-001")["result"] == "fail" and check(verdict, "HA-001")["blocks"]
    switch = next(fault for fault in verdict["simulated_faults"] if fault["subject"] == "core-1")
    [named] = switch["hosts_fenced"]

    higher = max(latest_facts(tuner.pool.id).hosts, key=lambda host: host.uuid).name
    healthy = next(host.name for host in latest_facts(tuner.pool.id).hosts if host.name != higher)
    assert named == higher
    # Friday night: the cable of the other host falls out, and the healthy one fences.
    tuner.wire.run_trial("/pool/network/cut", host=healthy)
    fenced = [host["name"] for host in tuner.wire.desk("GET", "/state")["hosts"] if host["fenced"]]
    assert fenced == [named], "the host with the higher uuid, though its own cable is fine"
    lost = set(switch["vms_lost"])
    assert lost == {"dns-01" if named == "xen01" else "print-01"}


def test_the_old_product_takes_both_hosts_down_and_no_waiver_helps(people: People, tuner_of: Start) -> None:
    people.project.policy_profile = "xenserver-2010"
    people.project.save()
    verdict = cabled(tuner_of(two_host_pool())).verdict()
    switch = next(fault for fault in verdict["simulated_faults"] if fault["subject"] == "core-1")
    assert sorted(switch["hosts_fenced"]) == ["xen01", "xen02"]
    assert check(verdict, "HA-001")["waiver_class"] == "N"


def test_the_way_out_is_a_command_for_each_console_and_then_a_pool_without_ha(tuner: Tuner) -> None:
    tuner.begin()
    emergency = tuner.client.get(f"{tuner.campaign}/commands").json()["emergency"]
    assert [each["line"] for each in emergency] == ["xe host-emergency-ha-disable --force"] * 2
    assert ["xen01" in emergency[0]["where"], "127.0.0.12" in emergency[1]["where"]] == [True, True]
    tuner.client.post(f"{tuner.campaign}/abandon", {"reason": "two hosts are no pool for HA"})

    assert tuner.client.patch(tuner.address, {"ha_intent": "off"}).status_code == 200
    assert [reason["code"] for reason in tuner.verdict()["reasons"]] == ["runbook_missing"]
    runbook = {"owner": "Ada", "alternatives": "a third host in spring; until then restarts by hand"}
    tuner.attest("manual_restart_runbook", "", runbook)
    assert tuner.verdict()["verdict"] == "ready"
    refused = tuner.client.post(f"{tuner.address}/campaigns", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "ha_not_intended")
    called = [entry["what"] for entry in tuner.wire.desk("GET", "/log?since=0")]
    assert not [what for what in called if "emergency" in what or "able_ha" in what]
