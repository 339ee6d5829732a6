"""Rules on firmware: BIOS and UEFI, TPM and its plan, network boot, and UUIDs that two machines carry."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from estate.facts.pool import TemplateFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer, Severity
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import a_vm
from tests.builders.pools import a_pool

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
WIN11 = {"guest_id": "windows11_64Guest"}
SERVER_2025 = {"guest_id": "windows2022srvNext_64Guest"}
TEMPLATE_2019 = {"templates": {"windows2019srv_64Guest": "Windows Server 2019 (64-bit)"}}
DEBIAN_11 = {"guest_id": "debian11_64Guest"}
UBUNTU = {"guest_id": "ubuntu64Guest", "guest_full_name": "Ubuntu Linux (64-bit)", "guest_detailed_data": None}


def to(template: str, *guest_ids: str, **made: str) -> dict:
    """A mapping of the guests to one template; `made` are templates of the pool: name to firmware."""
    templates = tuple(TemplateFacts(name, name, firmware) for name, firmware in made.items())
    return {"templates": dict.fromkeys(guest_ids, template), "pools": (replace(a_pool(), templates=templates),)}


CASES = [
    ("FW-001", {"firmware": "efi"}, TEMPLATE_2019, F),
    ("FW-001", {"firmware": " BIOS"}, TEMPLATE_2019, F),
    ("FW-001", {"firmware": "bios", **SERVER_2025}, to("Windows Server 2025", "windows2022srvNext_64Guest"), T),
    ("FW-001", {"firmware": "efi", **SERVER_2025}, to("Windows Server 2025", "windows2022srvNext_64Guest"), F),
    ("FW-001", {"firmware": "efi", **DEBIAN_11}, to("Debian Bullseye 11", "debian11_64Guest"), T),
    ("FW-001", {"firmware": "bios", **DEBIAN_11}, to("Debian Bullseye 11", "debian11_64Guest"), F),
    ("FW-001", {"firmware": "efi", **DEBIAN_11}, to("Debian Bookworm 12", "debian11_64Guest"), F),
    ("FW-001", {"firmware": "efi", **DEBIAN_11}, to("own", "debian11_64Guest", own="uefi"), F),
    ("FW-001", {"firmware": "efi", **DEBIAN_11}, to("own", "debian11_64Guest", old="uefi", own="bios", x="uefi"), T),
    ("FW-001", {"firmware": "efi", "guest_id": "debian12_64Guest"}, to("Debian Bullseye 11", "debian12_64Guest"), T),
    ("FW-001", {"firmware": "efi", **DEBIAN_11}, to("own", "debian11_64Guest", other="bios"), U),
    ("FW-001", {"firmware": "efi", "guest_id": "not listed"}, to("Other install media", "not listed"), F),
    ("FW-001", {"firmware": "efi", **UBUNTU}, to("Other install media", "ubuntu64Guest"), U),
    (
        "FW-001",
        {"firmware": "efi", **UBUNTU, "guest_detailed_data": "Ubuntu 16.04"},
        to("Other install media", "ubuntu64Guest"),
        T,
    ),
    ("FW-001", {"firmware": "efi", "guest_id": "otherLinux64Guest"}, to("Other install media", "otherLinux64Guest"), F),
    ("FW-001", {"firmware": "efi"}, {"templates": {}}, U),
    ("FW-001", {"firmware": "efi"}, {}, U),
    ("FW-001", {"firmware": "efi", "guest_id": UNKNOWN}, TEMPLATE_2019, U),
    ("FW-001", {"firmware": UNKNOWN}, {}, U),
    ("FW-001", {"firmware": UNKNOWN}, TEMPLATE_2019, U),
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
    ("FW-005", WIN11, {}, U),
    ("FW-005", WIN11, to("Windows 11", "windows11_64Guest"), U),
    ("FW-005", {**WIN11, "firmware": "BIOS"}, {}, T),
    ("FW-005", {**WIN11, "firmware": UNKNOWN}, {}, U),
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
    assert outcome_of("FW-005", a_vm(**guest, firmware="bios")).severity is severity


def test_a_template_is_no_plan_for_a_tpm() -> None:
    outcome = outcome_of("FW-005", a_vm(**WIN11), a_context(**to("Windows 11", "windows11_64Guest")))
    assert (outcome.severity, outcome.evidence[0].path) == (Severity.CRITICAL, "has_vtpm")
    assert "makes a vTPM only where" in outcome.evidence[0].raw["unknown"]


def test_firmware_that_its_template_does_not_boot_names_what_it_does() -> None:
    told = outcome_of(
        "FW-001", a_vm(firmware="bios", **SERVER_2025), a_context(**to("Windows Server 2025", SERVER_2025["guest_id"]))
    )
    assert told.params["parts"] == [{"firmware": "bios", "template_firmware": ["secure_boot", "uefi"]}]
    assert told.evidence[0].path == "firmware"


@pytest.mark.parametrize(
    ("vm", "context", "path", "reason"),
    [
        ({"firmware": UNKNOWN}, TEMPLATE_2019, "firmware", "not read"),
        ({}, {}, "guest_id", "no mapping"),
        ({}, {"templates": {}}, "guest_id", "not mapped to a template"),
        ({"guest_id": UNKNOWN}, TEMPLATE_2019, "guest_id", "not read"),
        (DEBIAN_11, to("own", "debian11_64Guest"), "guest_id", "template own"),
    ],
)
def test_what_leaves_the_firmware_of_the_template_open_is_named(vm: dict, context: dict, path: str, reason: str) -> None:
    evidence = outcome_of("FW-001", a_vm(**vm), a_context(**context)).evidence[0]
    assert (evidence.path, reason in evidence.raw["unknown"]) == (path, True)


def test_a_shared_uuid_names_the_machines() -> None:
    outcome = outcome_of("FW-008", a_vm(), a_context(bios_uuid_owners={"4212-app-01": ("app-01", "b")}))
    assert outcome.params["parts"] == [{"machines": ["app-01", "b"]}]
    assert outcome.evidence[0].path == "bios_uuid"


def test_the_changing_uuid_is_for_information() -> None:
    outcome = outcome_of("FW-009", a_vm(bios_uuid=UNKNOWN))
    assert (outcome.severity, outcome.everywhere, outcome.evidence[0].raw) == (Severity.INFO, False, "app-01")
