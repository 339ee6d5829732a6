"""Rules on sources, their clusters and the hosts that machines are read from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from estate.facts.source import PowerState, VirtualSwitchFacts, VmFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.results import Answer, Severity
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import GIB, SEEN_AT, a_disk, a_network, a_source_about, a_vm
from tests.builders.landscape import a_kernel_nic, a_known_cluster, a_known_host, a_port, a_source

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
MANAGED = {"behind_vcenter": True}
WEEK, SECOND = timedelta(days=7), timedelta(seconds=1)
SLOW, FAST = a_port(0, link_mbit_s=1000), a_port(1, link_mbit_s=1001)
SLOWEST = a_port(2, link_mbit_s=100)
TAGGED = a_kernel_nic(1, services=("vSphereBackupNFC",))


def disks(count: int) -> dict[str, Any]:
    return {"disks": tuple(a_disk(number) for number in range(count))}


def there(*vms: VmFacts, homeless: tuple[VmFacts, ...] = ()) -> dict[str, Any]:
    return {"vms_of_host": {"host-1": vms, "host-2": (a_vm("other", **disks(99)),)}, "homeless_vms": homeless}


def running(name: str = "a", **changes: Any) -> VmFacts:
    return a_vm(name, **{"power_state": PowerState.ON, "memory_bytes": 128 * GIB, **changes})


def on_switch(**network: Any) -> dict[str, Any]:
    return {"networks": {"network-1": a_network("Management Network", **network)}}


HOST_CASES = [
    ("SRC-001", {}, {}, F),
    ("SRC-001", {"connection_state": "disconnected"}, {}, T),
    ("SRC-001", {"connection_state": ""}, {}, T),
    ("SRC-001", {"in_maintenance": True}, {}, T),
    ("SRC-001", {"in_maintenance": UNKNOWN}, {}, U),
    ("SRC-001", {"connection_state": UNKNOWN}, {}, U),
    ("SRC-001", {"connection_state": UNKNOWN, "in_maintenance": True}, {}, T),
    ("SRC-004", {"version": "6.6"}, {}, T),
    ("SRC-004", {"version": "6.7.0"}, {}, F),
    ("SRC-004", {"version": "9.1.3"}, {}, F),
    ("SRC-004", {"version": "9.2"}, {}, T),
    ("SRC-004", {"version": "10.0"}, {}, T),
    ("SRC-004", {"version": "tomorrow"}, {}, T),
    ("SRC-004", {"version": UNKNOWN}, {}, U),
    ("SRC-005", {}, there(a_vm(**disks(27))), F),
    ("SRC-005", {}, there(a_vm(**disks(27)), a_vm("b", **disks(1))), T),
    ("SRC-005", {}, there(a_vm(**disks(28)), a_vm("b", disks=UNKNOWN)), T),
    ("SRC-005", {}, there(a_vm(disks=UNKNOWN)), U),
    ("SRC-005", {}, there(homeless=(a_vm(host_id=UNKNOWN),)), U),
    ("SRC-005", {}, {}, F),
    ("SRC-006", {}, {}, F),
    ("SRC-006", {"physical_nics": (SLOW,)}, {}, T),
    ("SRC-006", {"physical_nics": (FAST,)}, {}, F),
    ("SRC-006", {"physical_nics": (SLOWEST,)}, {}, T),
    ("SRC-006", {"physical_nics": (SLOW, SLOWEST)}, {}, T),
    ("SRC-006", {"physical_nics": (FAST,), "switches": (VirtualSwitchFacts("vSwitch0"),)}, on_switch(), F),
    ("SRC-006", {"physical_nics": (SLOW, FAST)}, {}, U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(1, link_mbit_s=None))}, {}, T),
    ("SRC-006", {"physical_nics": (a_port(0, link_mbit_s=None),)}, {}, U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(1, link_mbit_s=UNKNOWN))}, {}, U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(2))}, on_switch(), T),
    ("SRC-006", {"physical_nics": (FAST, a_port(2, link_mbit_s=1000))}, on_switch(), F),
    ("SRC-006", {"physical_nics": (SLOW, FAST)}, on_switch(), F),
    ("SRC-006", {"physical_nics": (a_port(2), a_port(3))}, on_switch(), U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(2)), "switches": UNKNOWN}, on_switch(), U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(2)), "switches": (VirtualSwitchFacts("vSwitch0"),)}, on_switch(), U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(2))}, on_switch(is_distributed=True), U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(2)), "kernel_nics": (a_kernel_nic(portgroup=""),)}, on_switch(), U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(2)), "kernel_nics": (a_kernel_nic(services=("vmotion",)),)}, on_switch(), U),
    ("SRC-006", {"physical_nics": (SLOW, a_port(2)), "network_ids": ()}, on_switch(), U),
    ("SRC-006", {"physical_nics": (SLOW,), "kernel_nics": (a_kernel_nic(), TAGGED)}, {}, F),
    ("SRC-006", {"physical_nics": (SLOW,), "kernel_nics": ()}, {}, T),
    ("SRC-006", {"physical_nics": (SLOW,), "kernel_nics": (a_kernel_nic(services=UNKNOWN),)}, {}, U),
    ("SRC-006", {"physical_nics": (FAST,), "kernel_nics": (a_kernel_nic(services=UNKNOWN),)}, {}, F),
    ("SRC-006", {"kernel_nics": UNKNOWN}, {}, U),
    ("SRC-006", {"physical_nics": UNKNOWN}, {}, U),
    ("SRC-007", {}, MANAGED, F),
    ("SRC-007", {}, {"behind_vcenter": False}, U),
    ("SRC-007", {}, {}, U),
    ("SRC-007", {"license_product": UNKNOWN}, MANAGED, F),
    ("SRC-007", {"license_product": "VMware vSphere 8 Hypervisor"}, MANAGED, T),
    ("SRC-007", {"license_product": "VMware vSphere 8 Hypervisor"}, {}, T),
    ("SRC-007", {"license_product": None}, {}, U),
    ("SRC-007", {"license_product": UNKNOWN}, {}, U),
    ("SRC-007", {"lockdown_mode": "lockdownNormal"}, MANAGED, U),
    ("SRC-007", {"lockdown_mode": "lockdownStrict"}, MANAGED, U),
    ("SRC-007", {"lockdown_mode": UNKNOWN}, MANAGED, U),
    ("SRC-007", {"lockdown_mode": UNKNOWN, "license_product": "vSphere Hypervisor"}, {}, T),
    ("SRC-010", {}, {}, F),
    ("SRC-010", {}, there(running(), running("b")), F),
    ("SRC-010", {}, there(running(), running("b", memory_bytes=128 * GIB + 1)), T),
    ("SRC-010", {}, there(running(memory_bytes=999 * GIB, power_state=PowerState.OFF)), F),
    ("SRC-010", {}, there(running(memory_bytes=999 * GIB, power_state=PowerState.SUSPENDED)), F),
    ("SRC-010", {}, there(running(memory_bytes=UNKNOWN)), U),
    ("SRC-010", {}, there(running(memory_bytes=999 * GIB, power_state=UNKNOWN)), U),
    ("SRC-010", {}, there(running(memory_bytes=257 * GIB), running("b", memory_bytes=UNKNOWN)), T),
    ("SRC-010", {"memory_bytes": UNKNOWN}, there(running()), U),
    ("SRC-010", {}, there(homeless=(a_vm(host_id=UNKNOWN),)), U),
]
SOURCE_CASES = [
    ("SRC-002", {}, {}, F),
    ("SRC-002", {"hosts_unread": (("esx1", "no address"),)}, {}, T),
    ("SRC-002", {"hosts_unread": UNKNOWN}, {}, U),
    ("SRC-003", {}, {}, F),
    ("SRC-003", {"pins_changed": ("vc.corp.example",)}, {}, T),
    ("SRC-003", {"pins_changed": UNKNOWN}, {}, U),
    ("SRC-008", {}, {}, F),
    ("SRC-008", {"privileges_missing": (("VirtualMachine.State.CreateSnapshot", "snapshots"),)}, {}, T),
    ("SRC-008", {"privileges_missing": UNKNOWN}, {}, U),
    ("SRC-011", {}, {}, F),
    ("SRC-011", {}, {"asked_at": SEEN_AT + WEEK}, F),
    ("SRC-011", {}, {"asked_at": SEEN_AT + WEEK + SECOND}, T),
    ("SRC-011", {"about": UNKNOWN}, {"asked_at": SEEN_AT + WEEK + SECOND}, T),
    ("SRC-011", {"about": UNKNOWN}, {"asked_at": SEEN_AT + WEEK}, U),
    ("SRC-011", {"about": a_source_about(taken_at=UNKNOWN)}, {}, U),
    ("SRC-011", {"about": a_source_about(taken_at=SEEN_AT - WEEK)}, {}, F),
    ("SRC-011", {"about": a_source_about(taken_at=SEEN_AT - WEEK - SECOND)}, {}, T),
    ("SRC-011", {"disagreements": (("app-01", "vcpus"),)}, {}, T),
    ("SRC-011", {"disagreements": UNKNOWN}, {}, U),
]
CLUSTER_CASES = [
    ("SRC-009", {}, {}, F),
    ("SRC-009", {"ha_enabled": True}, {}, T),
    ("SRC-009", {"drs_enabled": True}, {}, T),
    ("SRC-009", {"dpm_enabled": True}, {}, T),
    ("SRC-009", {"dpm_enabled": True, "ha_enabled": UNKNOWN}, {}, T),
    ("SRC-009", {"ha_enabled": UNKNOWN}, {}, U),
    ("SRC-009", {"drs_enabled": UNKNOWN}, {}, U),
    ("SRC-009", {"dpm_enabled": UNKNOWN}, {}, U),
]
CASES = [*HOST_CASES, *SOURCE_CASES, *CLUSTER_CASES]


@pytest.mark.parametrize(("rule_id", "host", "context", "expected"), HOST_CASES)
def test_rule_on_a_source_host_answers_in_three_values(rule_id: str, host: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_known_host(**host), a_context(**context)) is expected


@pytest.mark.parametrize(("rule_id", "source", "context", "expected"), SOURCE_CASES)
def test_rule_on_a_source_answers_in_three_values(rule_id: str, source: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_source(**source), a_context(**context)) is expected


@pytest.mark.parametrize(("rule_id", "cluster", "context", "expected"), CLUSTER_CASES)
def test_rule_on_a_cluster_answers_in_three_values(rule_id: str, cluster: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_known_cluster(**cluster), a_context(**context)) is expected


def params(rule_id: str, facts: Any, **context: Any) -> list[dict[str, Any]]:
    outcome = outcome_of(rule_id, facts, a_context(**context))
    assert outcome is not None
    return outcome.params["parts"]


def test_a_source_names_each_unreached_host_and_missing_privilege() -> None:
    found = params("SRC-002", a_source(hosts_unread=(("esx1", "no address"), ("esx2", "port 443 closed"))))
    assert found == [{"host": "esx1", "reason": "no address"}, {"host": "esx2", "reason": "port 443 closed"}]
    assert params("SRC-008", a_source(privileges_missing=(("X.Y", "cutover"),))) == [{"privilege": "X.Y", "purpose": "cutover"}]
    assert params("SRC-003", a_source(pins_changed=("vc",))) == [{"name": "vc"}]


def test_an_old_inventory_tells_its_age_in_days() -> None:
    found = params("SRC-011", a_source(), asked_at=SEEN_AT + timedelta(days=9, hours=23))
    assert found == [{"age_days": 9, "limit_days": 7}]


def test_disagreements_are_counted_whole_and_named_up_to_fifty() -> None:
    pairs = tuple((f"vm-{number}", "vcpus") for number in range(51))
    (found,) = params("SRC-011", a_source(disagreements=pairs))
    assert (found["count"], len(found["machines"]), found["machines"][49]) == (51, 50, "vm-49: vcpus")


def test_each_automatic_function_of_a_cluster_is_named() -> None:
    found = params("SRC-009", a_known_cluster(ha_enabled=True, drs_enabled=True, dpm_enabled=True))
    assert [part["function"] for part in found] == ["HA", "DRS", "DPM"]


def test_a_host_shows_the_figures_of_its_findings() -> None:
    assert params("SRC-005", a_known_host(), **there(a_vm(**disks(28)))) == [{"disks": 28, "limit": 27}]
    assert params("SRC-006", a_known_host(physical_nics=(SLOW,))) == [{"link_mbit_s": 1000}]
    memory = params("SRC-010", a_known_host(), **there(running(memory_bytes=300 * GIB)))
    assert memory == [{"granted_bytes": 300 * GIB, "installed_bytes": 256 * GIB}]
    assert params("SRC-004", a_known_host(version="5.5")) == [{"version": "5.5", "from": "6.7", "to": "9.1"}]
    assert params("SRC-001", a_known_host(connection_state="notResponding")) == [{"state": "notResponding"}]
    assert params("SRC-007", a_known_host(license_product="Hypervisor")) == [{"license_product": "Hypervisor"}]


def test_what_no_host_of_a_source_tells_is_told_once_for_the_source() -> None:
    gone = Unknown("no such sheet", everywhere=True)
    services = a_known_host(physical_nics=(SLOW,), kernel_nics=(a_kernel_nic(services=gone),))
    for rule_id, host in (
        ("SRC-004", a_known_host(version=gone)),
        ("SRC-006", services),
        ("SRC-007", a_known_host(lockdown_mode=gone)),
    ):
        outcome = outcome_of(rule_id, host)
        assert outcome is not None
        assert outcome.everywhere


def test_only_what_stops_a_copy_is_critical() -> None:
    bad = a_known_host(connection_state="x", version="1", physical_nics=(SLOW,), license_product="hypervisor")
    found = {rule_id: outcome_of(rule_id, bad) for rule_id in ("SRC-001", "SRC-004", "SRC-006", "SRC-007")}
    critical = {rule_id for rule_id, outcome in found.items() if outcome and outcome.severity is Severity.CRITICAL}
    assert critical == {"SRC-001", "SRC-007"}


def test_what_is_not_read_of_a_machine_adds_nothing_to_the_memory_that_is_surely_given() -> None:
    unread = running("b", memory_bytes=UNKNOWN)
    asked = [
        answer_of("SRC-010", a_known_host(), a_context(**there(running(memory_bytes=size), unread)))
        for size in (GIB * 256, GIB * 256 + 1)
    ]
    assert asked == [U, T]
    assert outcome_of("SRC-010", a_known_host(memory_bytes=UNKNOWN), a_context(**there(unread))).params == {"parts": []}


@pytest.mark.parametrize(("age", "days"), [(timedelta(days=8), 8), (timedelta(days=8, seconds=-1), 7)])
def test_the_age_of_an_inventory_is_told_in_full_days(age: timedelta, days: int) -> None:
    outcome = outcome_of("SRC-011", a_source(), a_context(asked_at=SEEN_AT + age))
    assert outcome.params["parts"] == [{"age_days": days, "limit_days": 7}]
