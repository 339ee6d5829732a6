"""Rules on firmware: BIOS and UEFI, TPM and its plan, network boot, and UUIDs that two machines carry."""

from __future__ import annotations

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer, Severity
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
WIN11 = {"guest_id": "windows11_64Guest"}
SERVER_2025 = {"guest_id": "windows2022srvNext_64Guest"}
PLANNED = {"templates": {"windows11_64Guest": "Windows 11"}}

CASES = [
    ("FW-001", {"firmware": "efi"}, {"firmware_of_template": {"windows2019srv_64Guest": "bios"}}, T),
    ("FW-001", {"firmware": "bios"}, {"firmware_of_template": {"windows2019srv_64Guest": "uefi"}}, T),
    ("FW-001", {"firmware": "efi"}, {"firmware_of_template": {"windows2019srv_64Guest": "uefi"}}, F),
    ("FW-001", {"firmware": "efi"}, {}, F),
    ("FW-001", {"firmware": "efi", "guest_id": UNKNOWN}, {}, F),
    ("FW-001", {"firmware": "efi", "guest_id": UNKNOWN}, {"firmware_of_template": {"windows2019srv_64Guest": "bios"}}, U),
    ("FW-001", {"firmware": UNKNOWN}, {}, U),
    ("FW-001", {"firmware": UNKNOWN}, {"firmware_of_template": {"windows2019srv_64Guest": "uefi"}}, U),
    ("FW-002", {}, {}, F),
    ("FW-002", {"secure_boot": True}, {}, T),
    ("FW-002", {"secure_boot": True, "firmware": "bios"}, {}, F),
    ("FW-002", {"secure_boot": UNKNOWN, "firmware": "bios"}, {}, F),
    ("FW-002", {"secure_boot": UNKNOWN}, {}, U),
    ("FW-002", {"secure_boot": True, "firmware": UNKNOWN}, {}, U),
    ("FW-003", {"firmware": "bios"}, {}, F),
    ("FW-003", {}, {}, U),
    ("FW-003", {"firmware": ""}, {}, U),
    ("FW-003", {"firmware": UNKNOWN}, {}, U),
    ("FW-004", {}, {}, F),
    ("FW-004", {"has_vtpm": True}, {}, T),
    ("FW-004", {"has_vtpm": UNKNOWN}, {}, U),
    ("FW-005", {"firmware": "bios"}, {}, F),
    ("FW-005", {"guest_id": "ubuntu64Guest", "firmware": "bios"}, {}, F),
    ("FW-005", {"guest_id": "sles16_64Guest", "firmware": "bios"}, {}, F),
    ("FW-005", SERVER_2025, {}, F),
    ("FW-005", {**SERVER_2025, "firmware": "bios"}, {}, T),
    ("FW-005", {**SERVER_2025, "firmware": UNKNOWN}, {}, U),
    ("FW-005", WIN11, PLANNED, F),
    ("FW-005", WIN11, {}, U),
    ("FW-005", WIN11, {"templates": {}}, T),
    ("FW-005", WIN11, {"templates": {"windows11_64Guest": "Windows 10 (64-bit)"}}, T),
    ("FW-005", {**WIN11, "firmware": "BIOS"}, PLANNED, T),
    ("FW-005", {**WIN11, "firmware": UNKNOWN}, PLANNED, U),
    ("FW-005", {"guest_id": "otherGuest64"}, {}, U),
    ("FW-005", {"guest_id": "other5xLinux64Guest"}, {}, F),
    ("FW-005", {"guest_id": "not listed"}, {}, U),
    ("FW-005", {"guest_id": UNKNOWN}, {}, U),
    ("FW-006", {}, {}, F),
    ("FW-006", {"vbs": True, "vvtd": UNKNOWN}, {}, T),
    ("FW-006", {"vvtd": True}, {}, T),
    ("FW-006", {"vbs": UNKNOWN}, {}, U),
    ("FW-006", {"vvtd": UNKNOWN}, {}, U),
    ("FW-007", {}, {}, F),
    ("FW-007", {"boot_order": ("ethernet", "disk")}, {}, T),
    ("FW-007", {"boot_order": ("disk", "ethernet")}, {}, F),
    ("FW-007", {"boot_order": ("floppy", "ethernet")}, {}, F),
    ("FW-007", {"network_boot_protocol": "http"}, {}, T),
    ("FW-007", {"network_boot_protocol": "ipv4"}, {}, F),
    ("FW-007", {"network_boot_protocol": "ipv6"}, {}, T),
    ("FW-007", {"boot_order": UNKNOWN}, {}, U),
    ("FW-007", {"network_boot_protocol": UNKNOWN}, {}, U),
    ("FW-008", {}, {}, F),
    ("FW-008", {}, {"bios_uuid_owners": {"4212-app-01": ("app-01",)}}, F),
    ("FW-008", {"bios_uuid": " 4212-APP-01"}, {"bios_uuid_owners": {"4212-app-01": ("app-01", "b")}}, T),
    ("FW-008", {}, {"instance_uuid_owners": {"5012-app-01": ("app-01", "app-01")}}, T),
    ("FW-008", {"bios_uuid": UNKNOWN}, {}, U),
    ("FW-008", {"instance_uuid": UNKNOWN}, {}, U),
    ("FW-009", {}, {}, T),
    ("FW-009", {"bios_uuid": UNKNOWN}, {}, T),
]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_rule_answers_in_three_values(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected


@pytest.mark.parametrize(("guest", "severity"), [(WIN11, Severity.CRITICAL), (SERVER_2025, Severity.WARNING)])
def test_bios_is_critical_for_windows_11_and_a_warning_for_server_2025(guest: dict, severity: Severity) -> None:
    assert outcome_of("FW-005", a_vm(**guest, firmware="bios"), a_context(**PLANNED)).severity is severity


def test_a_missing_tpm_plan_names_the_template_that_would_be_one() -> None:
    outcome = outcome_of("FW-005", a_vm(**WIN11), a_context(templates={}))
    assert outcome.params["parts"] == [{"template_wanted": "Windows 11"}]
    assert outcome.severity is Severity.CRITICAL


def test_a_shared_uuid_names_the_machines() -> None:
    outcome = outcome_of("FW-008", a_vm(), a_context(bios_uuid_owners={"4212-app-01": ("app-01", "b")}))
    assert outcome.params["parts"] == [{"machines": ["app-01", "b"]}]
    assert outcome.evidence[0].path == "bios_uuid"


def test_the_changing_uuid_is_for_information() -> None:
    outcome = outcome_of("FW-009", a_vm(bios_uuid=UNKNOWN))
    assert (outcome.severity, outcome.everywhere, outcome.evidence[0].raw) == (Severity.INFO, False, "app-01")
