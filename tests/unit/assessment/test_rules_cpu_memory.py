"""Rules on CPUs and memory (CPU, MEM): a true, a false and an unknown case of each, and both sides of every limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estate.facts.source import AllocationFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer
from tests.builders.assessment import a_context, answer_of, outcome_of, the_guests, the_limits
from tests.builders.estate import GIB, UNLIMITED, a_disk, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
TIB = 1024 * GIB
XCP_NG = {"limits": the_limits("xcp-ng-8.3")}
SKYLAKE = {"min_evc_mode": "intel-skylake"}
UBUNTU = {"guest_id": "ubuntu64Guest", "guest_full_name": "Ubuntu Linux (64-bit)", "guest_detailed_data": None}
NO_MINIMUM = replace(the_guests(), rows=tuple(replace(row, memory_min_bytes=None) for row in the_guests().rows))
FREE = {"free_memory_bytes": 64 * GIB}
WINDOWS_11 = {"guest_id": "windows11_64Guest", "guest_full_name": "Microsoft Windows 11 (64-bit)"}


def allocated(**changes: object) -> AllocationFacts:
    return AllocationFacts(**{"reservation": 0, "limit": None, "shares_level": "normal", **changes})


CPU = [
    ("CPU-001", {"vcpus": 64}, {}, F),
    ("CPU-001", {"vcpus": 65}, {}, T),
    ("CPU-001", {"vcpus": 65}, XCP_NG, T),
    ("CPU-001", {"vcpus": 65, "guest_id": "rhel9_64Guest"}, XCP_NG, F),
    ("CPU-001", {"vcpus": 128, "guest_id": "rhel9_64Guest"}, XCP_NG, F),
    ("CPU-001", {"vcpus": 129, "guest_id": "rhel9_64Guest"}, XCP_NG, T),
    ("CPU-001", {"vcpus": 128}, XCP_NG, T),
    ("CPU-001", {"vcpus": 65, "guest_id": UNKNOWN}, XCP_NG, U),
    ("CPU-001", {"vcpus": UNKNOWN}, {}, U),
    ("CPU-002", {"vcpus": 32}, {}, F),
    ("CPU-002", {"vcpus": 33}, {}, T),
    ("CPU-002", {"vcpus": UNKNOWN}, {}, U),
    ("CPU-003", {"cores_per_socket": 2}, {}, T),
    ("CPU-003", {"cores_per_socket": 1}, {}, F),
    ("CPU-003", {"cores_per_socket": 0}, {}, F),
    ("CPU-003", {"cores_per_socket": UNKNOWN}, {}, U),
    ("CPU-004", {"cpu_affinity": (0,)}, {}, T),
    ("CPU-004", {"cpu_affinity": ()}, {}, F),
    ("CPU-004", {"cpu_affinity": UNKNOWN}, {}, U),
    ("CPU-005", {"cpu_hot_add": True, "memory_hot_add": UNKNOWN}, {}, T),
    ("CPU-005", {"cpu_hot_remove": True}, {}, T),
    ("CPU-005", {"memory_hot_add": True}, {}, T),
    ("CPU-005", {}, {}, F),
    ("CPU-005", {"memory_hot_add": UNKNOWN}, {}, U),
    ("CPU-006", {"nested_hv": True}, {}, T),
    ("CPU-006", {"extra_config": (("vhv.enable", "TRUE"),)}, {}, T),
    ("CPU-006", {"nested_hv": True, "vbs": True}, {}, F),
    ("CPU-006", {"extra_config": (("vhv.enable", "FALSE"),)}, {}, F),
    ("CPU-006", {"extra_config": (("vhv.enable", " Yes"),)}, {}, T),
    ("CPU-006", {"extra_config": (("vhv.enable", "1"),)}, {}, T),
    ("CPU-006", {"extra_config": (("vhv.enable", "0"),)}, {}, F),
    ("CPU-006", {"extra_config": (("vhv.enable", "Off"),)}, {}, F),
    ("CPU-007", {"latency_sensitivity": "High"}, {}, T),
    ("CPU-006", {"nested_hv": True, "vbs": UNKNOWN}, {}, U),
    ("CPU-006", {"extra_config": UNKNOWN}, {}, U),
    ("CPU-007", {"latency_sensitivity": "high"}, {}, T),
    ("CPU-007", {"memory_affinity": (0,)}, {}, T),
    ("CPU-007", {"extra_config": (("numa.nodeAffinity", "0,1"),)}, {}, T),
    ("CPU-007", {"latency_sensitivity": "medium"}, {}, F),
    ("CPU-007", {"latency_sensitivity": "custom"}, {}, F),
    ("CPU-007", {"latency_sensitivity": UNKNOWN}, {}, U),
    ("CPU-008", SKYLAKE, {"evc_modes": {"intel-skylake": False}}, T),
    ("CPU-008", SKYLAKE, {"evc_modes": {"intel-skylake": True}}, F),
    ("CPU-008", {"min_evc_mode": "Intel-SkyLake"}, {"evc_modes": {"intel-skylake": True}}, F),
    ("CPU-008", SKYLAKE, {"evc_modes": {"intel-haswell": True}}, U),
    ("CPU-008", {"min_evc_mode": None}, {}, F),
    ("CPU-008", SKYLAKE, {}, U),
    ("CPU-008", {"min_evc_mode": UNKNOWN}, {"evc_modes": {}}, U),
    ("CPU-009", {"confidential": ("SEV",)}, {}, T),
    ("CPU-009", {"confidential": ()}, {}, F),
    ("CPU-009", {"confidential": UNKNOWN}, {}, U),
]

MEMORY = [
    ("MEM-001", {"memory_bytes": 3 * TIB // 2}, {}, F),
    ("MEM-001", {"memory_bytes": 3 * TIB // 2 + 1}, {}, T),
    ("MEM-001", {"memory_bytes": 8 * TIB}, XCP_NG, F),
    ("MEM-001", {"memory_bytes": 8 * TIB + 1}, XCP_NG, T),
    ("MEM-001", {"memory_bytes": UNKNOWN}, {}, U),
    ("MEM-002", {"memory_bytes": 64 * GIB}, FREE, F),
    ("MEM-002", {"memory_bytes": 64 * GIB + 1}, FREE, T),
    ("MEM-002", {"memory_bytes": UNKNOWN}, FREE, U),
    ("MEM-002", {}, {}, U),
    ("MEM-003", {**WINDOWS_11, "memory_bytes": 4 * GIB - 1}, {}, T),
    ("MEM-003", {**WINDOWS_11, "memory_bytes": 4 * GIB}, {}, F),
    ("MEM-003", {**WINDOWS_11, "memory_bytes": 4 * GIB - 1, "guest_full_name": UNKNOWN}, {}, T),
    ("MEM-003", {"guest_id": "windows9_64Guest", "memory_bytes": 2 * GIB - 1}, {}, T),
    ("MEM-003", {"guest_id": "windows9_64Guest", "memory_bytes": 2 * GIB}, {}, F),
    ("MEM-003", {"memory_bytes": GIB}, {}, F),
    ("MEM-003", {"memory_bytes": GIB - 1}, {}, T),
    ("MEM-003", {**UBUNTU, "memory_bytes": GIB // 8 - 1}, {}, T),
    ("MEM-003", {**UBUNTU, "memory_bytes": GIB - 1}, {}, U),
    ("MEM-003", {**UBUNTU, "memory_bytes": GIB}, {}, F),
    ("MEM-003", {**UBUNTU, "guest_detailed_data": "Ubuntu 22.04", "memory_bytes": GIB - 1}, {}, T),
    ("MEM-003", {"memory_bytes": GIB - 1}, {"guests": NO_MINIMUM}, U),
    ("MEM-003", {"guest_id": UNKNOWN, "memory_bytes": 8 * GIB}, {}, F),
    ("MEM-003", {"guest_id": UNKNOWN, "memory_bytes": 4 * GIB}, {}, F),
    ("MEM-003", {"guest_id": UNKNOWN, "memory_bytes": 4 * GIB - 1}, {}, U),
    ("MEM-003", {"guest_id": "not listed", "memory_bytes": 4 * GIB - 1}, {}, U),
    ("MEM-003", {"guest_id": "not listed", "memory_bytes": 4 * GIB}, {}, F),
    ("MEM-003", {**WINDOWS_11, "memory_bytes": UNKNOWN}, {}, U),
    ("MEM-004", {"ballooned_bytes": 1}, {}, T),
    ("MEM-004", {"swapped_bytes": 1}, {}, T),
    ("MEM-004", {"memory_allocation": allocated(limit=4 * GIB - 1)}, {}, T),
    ("MEM-004", {"memory_allocation": allocated(limit=4 * GIB)}, {}, F),
    ("MEM-004", {"memory_allocation": allocated(limit=4 * GIB + 1)}, {}, F),
    ("MEM-004", {"memory_allocation": allocated(limit=4 * GIB), "memory_bytes": UNKNOWN}, {}, U),
    ("MEM-004", {"memory_allocation": allocated(limit=UNKNOWN)}, {}, U),
    ("MEM-005", {"cpu_allocation": allocated(reservation=1)}, {}, T),
    ("MEM-005", {"memory_allocation": allocated(limit=GIB)}, {}, T),
    ("MEM-005", {"disks": (a_disk(allocation=allocated(shares_level="custom")),)}, {}, T),
    ("MEM-005", {"cpu_allocation": UNLIMITED, "memory_allocation": allocated(shares_level="high")}, {}, F),
    ("MEM-005", {"memory_allocation": AllocationFacts()}, {}, U),
    ("MEM-005", {"disks": UNKNOWN}, {}, U),
]

CASES = [*CPU, *MEMORY]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_a_cpu_or_memory_rule_answers_in_three_values(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected


def test_the_least_minimum_of_all_systems_a_guest_may_be_is_told() -> None:
    outcome = outcome_of("MEM-003", a_vm(**UBUNTU, memory_bytes=1))
    assert outcome.params["parts"] == [{"memory_bytes": 1, "minimum_bytes": GIB // 8}]
    assert [(each.path, each.raw) for each in outcome.evidence] == [("memory_bytes", 1)]
