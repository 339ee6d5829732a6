"""Rules on disks, CPUs, memory and NICs: limits at and above the edge, unread facts, and what a clean machine answers."""

from __future__ import annotations

import pytest

from estate.facts.source import DiskBacking
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.registry import When
from migration.assessment.core.results import Answer, Severity
from migration.assessment.core.rules import catalogue
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import GIB, a_datastore, a_device, a_disk, a_guest_nic, a_network, a_nic, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
TIB = 1024 * GIB
SURROUNDED = {
    "datastores": {"datastore-1": a_datastore()}, "networks": {"network-1": a_network()},
    "free_memory_bytes": 64 * GIB, "evc_modes": frozenset(),
}  # fmt: skip


def one_disk(**changes: object) -> dict:
    return {"disks": (a_disk(**changes),)}


CASES = [
    ("DSK-002", one_disk(capacity_bytes=16 * TIB), {}, F),
    ("DSK-002", one_disk(capacity_bytes=16 * TIB + 1), {}, T),
    ("DSK-003", one_disk(capacity_bytes=0), {}, T),
    ("DSK-003", one_disk(capacity_bytes=1), {}, F),
    ("DSK-003", one_disk(capacity_bytes=UNKNOWN), {}, U),
    ("DSK-005", one_disk(backing=DiskBacking.RDM_VIRTUAL), {}, T),
    ("DSK-006", one_disk(mode="independent_persistent"), {}, T),
    ("DSK-007", one_disk(mode="independent_persistent"), {}, F),
    ("DSK-007", one_disk(mode="append"), {}, T),
    ("DSK-009", {}, {"disk_file_owners": {"[san-a] app/app_0.vmdk": ("app-01", "b")}}, T),
    ("DSK-009", {}, {"disk_file_owners": {"[san-a] app/app_0.vmdk": ("app-01",)}}, F),
    ("DSK-010", {"encrypted": True}, {}, T),
    ("DSK-010", one_disk(encrypted=UNKNOWN), {}, U),
    ("DSK-011", one_disk(has_parent=True), {}, T),
    ("DSK-011", {**one_disk(has_parent=True), "snapshots": UNKNOWN}, {}, U),
    ("DSK-012", one_disk(datastore_id=None), {}, T),
    ("DSK-012", {}, {"datastores": {"datastore-1": a_datastore(accessible=False)}}, T),
    ("DSK-012", {}, {"datastores": {}}, U),
    ("DSK-013", {"disks": (a_disk(),) * 240, "devices": (a_device(),)}, {}, F),
    ("DSK-013", {"disks": (a_disk(),) * 241, "devices": (a_device(),)}, {}, T),
    ("DSK-014", {"disks": (a_disk(),) * 4}, {}, F),
    ("DSK-014", {"disks": (a_disk(),) * 5}, {}, T),
    ("DSK-015", {}, {}, U),
    ("DSK-015", one_disk(thin=False), {}, F),
    ("DSK-017", one_disk(controller_type="VirtualNVMEController"), {}, T),
    ("DSK-018", {"devices": (a_device("VirtualNVDIMM"),)}, {}, T),
    ("DSK-020", one_disk(capacity_bytes=GIB + 1), {}, T),
    ("DSK-021", {"vflash_reservation_bytes": 1}, {}, T),
    ("CPU-001", {"vcpus": 64}, {}, F),
    ("CPU-001", {"vcpus": 65}, {}, T),
    ("CPU-002", {"vcpus": 32}, {}, F),
    ("CPU-002", {"vcpus": 33}, {}, T),
    ("CPU-003", {"cores_per_socket": 2}, {}, T),
    ("CPU-006", {"nested_hv": True}, {}, T),
    ("CPU-006", {"nested_hv": True, "vbs": True}, {}, F),
    ("CPU-006", {"nested_hv": True, "vbs": UNKNOWN}, {}, U),
    ("CPU-008", {"min_evc_mode": "intel-skylake"}, {}, T),
    ("CPU-008", {"min_evc_mode": "intel-skylake"}, {"evc_modes": frozenset({"intel-skylake"})}, F),
    ("MEM-001", {"memory_bytes": 3 * TIB // 2}, {}, F),
    ("MEM-001", {"memory_bytes": 3 * TIB // 2 + 1}, {}, T),
    ("MEM-002", {"memory_bytes": 64 * GIB}, {}, F),
    ("MEM-002", {"memory_bytes": 64 * GIB + 1}, {}, T),
    ("MEM-004", {"ballooned_bytes": 1}, {}, T),
    ("NIC-001", {"nics": (a_nic(),) * 7}, {}, F),
    ("NIC-001", {"nics": (a_nic(),) * 8}, {}, T),
    ("NIC-002", {"nics": (a_nic(adapter="VirtualSriovEthernetCard"),)}, {}, T),
    ("NIC-004", {"nics": (a_nic(address_type="Manual"),)}, {}, T),
    ("NIC-005", {}, {"networks": {"network-1": a_network()}}, U),
    ("NIC-006", {}, {"networks": {"network-1": a_network(is_opaque=True)}}, T),
    ("NIC-008", {}, {"networks": {"network-1": a_network(is_private_vlan=UNKNOWN)}}, U),
    ("NIC-009", {}, {"networks": {"network-1": a_network(mac_changes=True)}}, T),
    ("NIC-010", {"guest_nics": ()}, {}, T),
    ("NIC-011", {"guest_nics": (a_guest_nic(origins=("manual",)),)}, {}, T),
    ("NIC-012", {}, {"ipv4_owners": {"192.0.2.10": ("app-01", "b")}}, T),
    ("NIC-013", {}, {"networks": {"network-1": a_network(mtu=1500)}}, F),
    ("NIC-013", {}, {"networks": {"network-1": a_network(mtu=1501)}}, U),
]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_rule_answers_at_its_edges(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**{**SURROUNDED, **context})) is expected


def test_an_independent_disk_is_critical_only_for_a_warm_transfer() -> None:
    vm = a_vm(**one_disk(mode="independent_persistent"))
    found = [outcome_of("DSK-006", vm, a_context(modes=modes)) for modes in (frozenset(), frozenset({When.WARM}))]
    assert [outcome and outcome.severity for outcome in found] == [Severity.WARNING, Severity.CRITICAL]


def test_the_catalogue_holds_every_rule_on_disks_cpus_memory_and_nics() -> None:
    wanted = {
        f"{family}-{n:03}" for family, last in (("DSK", 21), ("CPU", 9), ("MEM", 5), ("NIC", 13)) for n in range(1, last + 1)
    }
    assert wanted <= {rule.id for rule in catalogue()}
