"""Rules on what is inside the guest: open until a probe looked, unless other facts rule the concern out or prove it."""

from __future__ import annotations

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer
from tests.builders.assessment import answer_of, outcome_of
from tests.builders.estate import a_guest_disk, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
MB = 10**6
LINUX = {"guest_id": "ubuntu64Guest", "guest_full_name": "Ubuntu Linux (64-bit)"}
WINDOWS_ONLY = ("GST-001", "GST-006", "GST-008", "GST-012")
NOT_WINDOWS = ("GST-002", "GST-003", "GST-004", "GST-011")
ANY_GUEST = ("GST-007", "GST-009", "GST-013", "GST-014")
C = a_guest_disk("C:\\")
ROOT = a_guest_disk("/")


def volumes(*found: object) -> dict:
    return {"guest_disks": found}


CASES = [
    ("GST-005", {}, F),
    ("GST-005", volumes(a_guest_disk("C:\\", free_bytes=100 * MB)), F),
    ("GST-005", volumes(a_guest_disk("C:\\", free_bytes=100 * MB - 1)), T),
    ("GST-005", volumes(a_guest_disk("c:", free_bytes=100 * MB - 1)), T),
    ("GST-005", volumes(a_guest_disk("/", free_bytes=100 * MB)), F),
    ("GST-005", volumes(a_guest_disk("/", free_bytes=100 * MB - 1)), T),
    ("GST-005", volumes(ROOT, a_guest_disk("/boot", free_bytes=50 * MB)), F),
    ("GST-005", volumes(ROOT, a_guest_disk("/boot", free_bytes=50 * MB - 1)), T),
    ("GST-005", volumes(ROOT, a_guest_disk("/boot/efi", free_bytes=10 * MB)), F),
    ("GST-005", volumes(ROOT, a_guest_disk("/app", free_bytes=10 * MB)), F),
    ("GST-005", volumes(C, a_guest_disk("D:\\", free_bytes=10 * MB - 1)), T),
    ("GST-005", volumes(a_guest_disk("D:\\")), U),
    ("GST-005", volumes(a_guest_disk("D:\\", free_bytes=0)), T),
    ("GST-005", volumes(), U),
    ("GST-005", volumes(a_guest_disk("C:\\", free_bytes=UNKNOWN)), U),
    ("GST-005", {"guest_disks": UNKNOWN}, U),
    ("GST-010", {}, T),
    ("GST-010", {"tools_version_status": "guestToolsUnmanaged"}, T),
    ("GST-010", {"tools_version_status": "guestToolsNotInstalled"}, F),
    ("GST-010", {"tools_version_status": UNKNOWN}, U),
    *((rule_id, {}, U) for rule_id in WINDOWS_ONLY + ANY_GUEST),
    *((rule_id, {}, F) for rule_id in NOT_WINDOWS),
    *((rule_id, LINUX, F) for rule_id in WINDOWS_ONLY),
    *((rule_id, LINUX, U) for rule_id in NOT_WINDOWS + ANY_GUEST),
    *((rule_id, {"guest_id": "other5xLinux64Guest"}, F) for rule_id in WINDOWS_ONLY),
    *((rule_id, {"guest_id": "windows8Server64Guest"}, F) for rule_id in NOT_WINDOWS),
    *((rule_id, {"guest_id": guest}, U) for rule_id in WINDOWS_ONLY + NOT_WINDOWS for guest in ("otherGuest", "new", UNKNOWN)),
]


@pytest.mark.parametrize(("rule_id", "vm", "expected"), CASES)
def test_rule_answers_in_three_values(rule_id: str, vm: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm)) is expected


@pytest.mark.parametrize("rule_id", ["GST-001", "GST-007", "GST-013"])
def test_an_unprobed_guest_is_a_gap_of_the_whole_inventory(rule_id: str) -> None:
    outcome = outcome_of(rule_id, a_vm())
    assert outcome.everywhere
    assert "probe" in outcome.evidence[0].raw["unknown"]


def test_a_full_volume_is_named_with_what_it_needs() -> None:
    outcome = outcome_of("GST-005", a_vm(guest_disks=(C, a_guest_disk("D:\\", free_bytes=1))))
    assert outcome.params["parts"] == [{"path": "D:\\", "minimum_bytes": 10 * MB, "free_bytes": 1}]
    assert outcome.evidence[0].path == "guest_disks[1].free_bytes"
