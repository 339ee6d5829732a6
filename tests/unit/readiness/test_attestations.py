"""What an attestation must say, per kind, and how names become the pool's uuids."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.core.attestations import Attestation, examined
from readiness.core.drift import drift_of
from readiness.core.evidence import EvidenceKind
from tests.builders.evidence import full_evidence
from tests.builders.pools import a_pool, changed, with_host
from tests.unit.readiness.cases import a_case

POOL = a_pool()
TRIAL: dict[str, Any] = {
    "method": "hard_power_cycle",
    "watched_hosts": ["xen-h1", "h2", "h3"],
    "fenced_hosts": ["h2"],
    "statefile_lost": False,
    "max_latency_s": 71,
    "mirror_in_sync": True,
    "failover_s": 70,
}


def an_attestation(kind: str, subject: str, value: dict[str, Any], **more: Any) -> Attestation:
    return Attestation(EvidenceKind(kind), subject, value, **more)


def test_a_trial_is_stored_with_the_heartbeat_sr_and_one_entry_per_watched_host() -> None:
    stored, faults = examined(POOL, an_attestation("failover_test", "san-a", TRIAL, timeout_s=60, storage_node="san-a"))
    assert faults == []
    assert stored.subject == "sr-hb"
    assert stored.value["hosts"] == [
        {"host_uuid": "h1", "fenced": False},
        {"host_uuid": "h2", "fenced": True},
        {"host_uuid": "h3", "fenced": False},
    ]
    assert "watched_hosts" not in stored.value


@pytest.mark.parametrize("first", [True, False])
def test_a_host_named_twice_in_a_trial_fenced_if_either_entry_says_so(first: bool) -> None:
    twice = [{"host_uuid": "h1", "fenced": first}, {"host_uuid": "xen-h1", "fenced": not first}]
    stored, faults = examined(
        POOL, an_attestation("failover_test", "", {**TRIAL, "hosts": twice}, timeout_s=60, storage_node="san-a")
    )
    assert (stored.value["hosts"], faults) == ([{"host_uuid": "h1", "fenced": True}], [])


def test_an_nic_may_be_named_by_host_and_device() -> None:
    stored, faults = examined(POOL, an_attestation("switch_of_slave", "xen-h2/eth1", {"switch": "sw-b"}))
    assert (stored.subject, faults) == ("h2-eth1", [])


def without(key: str) -> dict[str, Any]:
    return {k: v for k, v in TRIAL.items() if k != key}


@pytest.mark.parametrize(
    ("kind", "subject", "value", "more", "field"),
    [
        ("failover_test", "", without("method"), {"timeout_s": 60, "storage_node": "a"}, "value.method"),
        ("failover_test", "", without("watched_hosts"), {"timeout_s": 60, "storage_node": "a"}, "value.hosts"),
        ("failover_test", "", without("statefile_lost"), {"timeout_s": 60, "storage_node": "a"}, "value.statefile_lost"),
        ("failover_test", "", without("mirror_in_sync"), {"timeout_s": 60, "storage_node": "a"}, "value.mirror_in_sync"),
        ("failover_test", "", without("max_latency_s"), {"timeout_s": 60, "storage_node": "a"}, "value.max_latency_s"),
        ("failover_test", "", {**TRIAL, "failover_s": "soon"}, {"timeout_s": 60, "storage_node": "a"}, "value.failover_s"),
        ("failover_test", "", TRIAL, {"storage_node": "a"}, "timeout_s"),
        ("failover_test", "", TRIAL, {"timeout_s": 60}, "storage_node"),
        ("failover_test", "sr-of-nobody", TRIAL, {"timeout_s": 60, "storage_node": "a"}, "subject"),
        (
            "failover_test",
            "",
            {**TRIAL, "watched_hosts": ["h9"]},
            {"timeout_s": 60, "storage_node": "a"},
            "value.hosts.0.host_uuid",
        ),
        (
            "failover_test",
            "",
            {**TRIAL, "hosts": [{"host_uuid": "h1"}]},
            {"timeout_s": 6, "storage_node": "a"},
            "value.hosts.0.fenced",
        ),
        (
            "failover_test",
            "",
            {**TRIAL, "watched_hosts": [{}], "fenced_hosts": []},
            {"timeout_s": 6, "storage_node": "a"},
            "value.hosts.0.host_uuid",
        ),
        ("failover_test", "", {**TRIAL, "hosts": [7]}, {"timeout_s": 6, "storage_node": "a"}, "value.hosts.0.host_uuid"),
        (
            "failover_test",
            "",
            {**TRIAL, "max_latency_s": float("inf")},
            {"timeout_s": 6, "storage_node": "a"},
            "value.max_latency_s",
        ),
        ("switch_of_slave", "h9-eth0", {"switch": "sw"}, {}, "subject"),
        ("switch_of_slave", "h1-eth0", {}, {}, "value.switch"),
        ("switch_of_slave", "h1-eth0", {"switch": "sw", "source": "rumour"}, {}, "value.source"),
        ("storage_nodes", "", {}, {}, "value.nodes"),
        ("storage_nodes", "", {"nodes": [{"portals": []}]}, {}, "value.nodes"),
        ("storage_nodes", "sr-of-nobody", {"nodes": [{"name": "a"}]}, {}, "subject"),
        ("xhad_timeout", "h1", {"timeout_s": "60"}, {}, "value.timeout_s"),
        ("xhad_timeout", "h9", {"timeout_s": 60}, {}, "subject"),
        ("maintenance", "h9", {}, {}, "subject"),
        ("manual_restart_runbook", "", {"owner": "Grace"}, {}, "value.alternatives"),
    ],
)
def test_an_unusable_field_is_named(kind: str, subject: str, value: dict[str, Any], more: dict[str, Any], field: str) -> None:
    _, faults = examined(POOL, an_attestation(kind, subject, value, **more))
    assert [fault.field for fault in faults] == [field]


def test_drift_names_the_timeout_that_fell_back_and_the_default_that_is_gone() -> None:
    fallen = changed(ha_configuration={}, other_config={})(POOL)
    drift = drift_of(a_case(fallen, full_evidence(POOL)))
    assert (drift.timeout_s, drift.tuned_timeout_s, drift.drifted) == (60, 120, True)
    assert [(line.expected, line.found) for line in drift.lines] == [("120 s", "60 s"), ("120 s", "absent")]


def test_a_tuned_pool_has_not_drifted_and_an_untested_one_cannot_tell() -> None:
    assert drift_of(a_case(POOL, full_evidence(POOL))).drifted is False
    assert drift_of(a_case(POOL)).drifted is None


def test_drift_names_the_host_whose_update_makes_the_trials_stale() -> None:
    drift = drift_of(a_case(with_host(POOL, "h2", build_number="101"), full_evidence(POOL)))
    assert {line.subject for line in drift.lines} == {"build:h2"}


@pytest.mark.parametrize(
    ("kind", "subject", "value", "fields"),
    [
        ("ntp_tracking", "xen-h1", {"synced": True, "offset_s": -0.2, "servers": 2}, []),
        ("ntp_tracking", "xen-h9", {"synced": True, "offset_s": 0, "servers": 2}, ["subject"]),
        ("ntp_tracking", "h1", {"synced": "yes", "offset_s": float("nan")}, ["value.synced", "value.offset_s", "value.servers"]),
        ("dom0_disk", "h1", {"used_percent": -1}, ["value.used_percent"]),
        ("emergency_runbook", "", {"has_commands": True}, ["value.console_tested"]),
        ("nfs_server", "san-lun0", {"heads": 2}, []),
        ("nfs_server", "san-lun0", {"heads": 2, "failover_s": "soon"}, ["value.failover_s"]),
        ("business_role", "guest-vm1", {"critical": True, "start_after": ["dc"]}, []),
        ("business_role", "not here yet", {"critical": True}, []),
        ("business_role", "", {"critical": True}, ["subject"]),
        (
            "business_role",
            "guest-vm1",
            {"critical": True, "role": "king", "start_after": "dc"},
            ["value.role", "value.start_after"],
        ),
        ("alert_triage", "m1", {"note": "a cable"}, ["subject"]),
        ("host_failure_test", "h1", {"vms_restarted": True, "restart_s": True}, ["value.restart_s"]),
    ],
)
def test_simple_attestations_name_each_field_that_does_not_fit(kind: str, subject: str, value: dict, fields: list[str]) -> None:
    _, faults = examined(POOL, an_attestation(kind, subject, value))
    assert [fault.field for fault in faults] == fields


def test_a_vm_and_a_host_are_stored_by_uuid_whatever_they_were_called() -> None:
    role, _ = examined(POOL, an_attestation("business_role", "guest-vm1", {"critical": True}))
    disk, _ = examined(POOL, an_attestation("dom0_disk", "xen-h2", {"used_percent": 40}))
    assert (role.subject, disk.subject) == ("vm1", "h2")
