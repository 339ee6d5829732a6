"""Rules on devices: what is passed through, connected or in a drive, and what a powered-off machine still needs."""

from __future__ import annotations

import pytest

from estate.facts.source import DeviceFacts, PowerState
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.results import Answer, Severity
from tests.builders.assessment import answer_of, outcome_of
from tests.builders.estate import a_device, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
ON, OFF = {"power_state": PowerState.ON}, {"power_state": PowerState.OFF}
PCI = "VirtualPCIPassthrough"


def passed(backing: str) -> DeviceFacts:
    return a_device(PCI, backing_type=f"{PCI}{backing}BackingInfo", backing="profile")


def used(kind: str, **changes: object) -> DeviceFacts:
    return a_device(kind, **{"backing": "something", "connected": True, **changes})


def card(displays: str = "1", three_d: str = "false") -> DeviceFacts:
    return a_device("VirtualMachineVideoCard", traits=(("enable3DSupport", three_d), ("numDisplays", displays)))


CASES = [
    ("DEV-001", (passed("Device"),), {}, T),
    ("DEV-001", (passed("Dynamic"),), {}, T),
    ("DEV-001", (passed("Dvx"),), {}, T),
    ("DEV-001", (passed("Vmiop"),), {}, F),
    ("DEV-001", (a_device(PCI),), {}, U),
    ("DEV-002", (passed("Vmiop"),), {}, T),
    ("DEV-002", (passed("Device"),), {}, F),
    ("DEV-002", (a_device(PCI),), {}, U),
    ("DEV-003", (used("VirtualUSB"),), ON, T),
    ("DEV-003", (used("VirtualUSB", connected=False),), ON, F),
    ("DEV-003", (used("VirtualUSB", connected=False),), OFF, T),
    ("DEV-003", (used("VirtualUSB", connected=False),), {"power_state": UNKNOWN}, U),
    ("DEV-003", (used("VirtualUSB", connected=False),), {"power_state": PowerState.SUSPENDED}, T),
    ("DEV-003", (used("VirtualUSB", connected=UNKNOWN),), ON, U),
    ("DEV-003", (used("VirtualUSB", backing=UNKNOWN),), ON, U),
    ("DEV-003", (a_device("VirtualUSB", connected=UNKNOWN),), ON, F),
    ("DEV-004", (a_device("VirtualUSBController"),), {}, T),
    ("DEV-004", (a_device("VirtualUSBXHCIController"),), {}, T),
    ("DEV-004", (a_device("VirtualUSBController"), a_device("VirtualUSB")), {}, F),
    ("DEV-004", (a_device("VirtualUSBController"), a_device()), {}, T),
    ("DEV-005", (a_device(),), {}, F),
    ("DEV-005", (a_device("VirtualAHCIController"), a_device("VirtualAHCIController", 1)), {}, F),
    ("DEV-005", (a_device(), a_device(number=1)), {}, T),
    ("DEV-005", (used("VirtualCdrom"),), {}, T),
    ("DEV-005", (used("VirtualCdrom", connected=False),), {}, F),
    ("DEV-005", (used("VirtualCdrom", backing=""),), {}, T),
    ("DEV-005", (used("VirtualCdrom", backing=None),), {}, F),
    ("DEV-005", (used("VirtualCdrom", backing=UNKNOWN),), {}, U),
    ("DEV-005", (used("VirtualCdrom", connected=UNKNOWN),), {}, U),
    ("DEV-006", (used("VirtualSerialPort"),), ON, T),
    ("DEV-006", (used("VirtualParallelPort", connected=False),), OFF, T),
    ("DEV-006", (a_device("VirtualSerialPort", connected=True),), ON, F),
    ("DEV-006", (used("VirtualSerialPort", backing=UNKNOWN),), ON, U),
    ("DEV-007", (a_device("VirtualSCSIPassthrough"),), {}, T),
    ("DEV-008", (a_device("VirtualSoundCard"),), {}, T),
    ("DEV-008", (a_device("VirtualFloppy", backing="[a] boot.flp", backing_type="VirtualFloppyImageBackingInfo"),), {}, T),
    ("DEV-008", (a_device("VirtualFloppy", backing="/dev/fd0", backing_type="VirtualFloppyDeviceBackingInfo"),), {}, F),
    ("DEV-008", (a_device("VirtualFloppy"),), {}, F),
    ("DEV-008", (a_device("VirtualFloppy", backing=UNKNOWN),), {}, U),
    ("DEV-008", (card(),), {}, F),
    ("DEV-008", (card("0"),), {}, F),
    ("DEV-008", (card("2"),), {}, T),
    ("DEV-008", (card(three_d="true"),), {}, T),
    ("DEV-008", (card(""),), {}, U),
    ("DEV-008", (a_device("VirtualMachineVideoCard"),), {}, U),
    ("DEV-009", (a_device("VirtualWDT"),), {}, T),
    ("DEV-009", (a_device("VirtualPrecisionClock"),), {}, T),
]
IDS = sorted({case[0] for case in CASES})


@pytest.mark.parametrize(("rule_id", "devices", "vm", "expected"), CASES)
def test_rule_answers_from_the_devices(rule_id: str, devices: tuple, vm: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(devices=devices, **vm)) is expected


@pytest.mark.parametrize("rule_id", IDS)
def test_no_device_is_no_concern_and_an_unread_list_leaves_the_question_open(rule_id: str) -> None:
    assert [answer_of(rule_id, a_vm(devices=devices)) for devices in ((), UNKNOWN)] == [F, U]


def test_the_finding_names_the_device_and_what_stands_behind_it() -> None:
    outcome = outcome_of("DEV-002", a_vm(devices=(a_device(), passed("Vmiop"))))
    assert outcome.params["parts"] == [{"device_key": 9000, "kind": PCI, "label": PCI, "backing": "profile"}]
    assert (outcome.evidence[0].path, outcome.severity) == ("devices[1].backing_type", Severity.CRITICAL)


def test_the_first_unread_fact_is_the_reason_why_the_use_of_a_device_is_open() -> None:
    usb = a_device("VirtualUSB", backing=Unknown("hidden"), connected=Unknown("later"))
    assert outcome_of("DEV-003", a_vm(devices=(usb,), power_state=UNKNOWN)).evidence[0].raw == {"unknown": "hidden"}


def test_too_many_drives_and_a_medium_are_told_apart() -> None:
    outcome = outcome_of("DEV-005", a_vm(devices=(used("VirtualCdrom"), a_device(number=1))))
    assert [part.get("count") for part in outcome.params["parts"]] == [None, 2]


PARTIAL = Unknown("only some kinds are listed", everywhere=True)


@pytest.mark.parametrize(
    ("rule_id", "listed", "expected"),
    [
        ("DEV-003", {"usb_devices": ()}, F),
        ("DEV-003", {"usb_devices": (used("VirtualUSBController"),)}, F),
        ("DEV-003", {"usb_devices": (used("VirtualUSB"),)}, T),
        ("DEV-003", {"cd_drives": ()}, U),
        ("DEV-004", {"usb_devices": ()}, U),
        ("DEV-004", {"usb_devices": (used("VirtualUSB"),)}, F),
        ("DEV-005", {"cd_drives": (a_device(),)}, F),
        ("DEV-005", {"cd_drives": (used("VirtualCdrom"),)}, T),
        ("DEV-005", {"cd_drives": (a_device(), a_device(number=1))}, T),
        ("DEV-005", {"usb_devices": ()}, U),
        ("DEV-007", {"usb_devices": (), "cd_drives": ()}, U),
        ("DEV-008", {"usb_devices": (), "cd_drives": ()}, U),
        ("DSK-013", {"cd_drives": (a_device(),)}, F),
        ("DSK-013", {"cd_drives": (a_device(),) * 241}, T),
        ("DSK-013", {"usb_devices": ()}, U),
    ],
)
def test_kinds_that_are_listed_apart_answer_for_themselves_alone(rule_id: str, listed: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(devices=PARTIAL, **ON, **listed)) is expected


def test_a_whole_list_goes_before_those_of_single_kinds() -> None:
    assert answer_of("DEV-003", a_vm(devices=(), usb_devices=(used("VirtualUSB"),), **ON)) is F
    assert answer_of("DEV-005", a_vm(devices=(), cd_drives=UNKNOWN)) is F


def test_evidence_names_the_list_and_why_there_is_none() -> None:
    apart = outcome_of("DEV-005", a_vm(devices=PARTIAL, cd_drives=(used("VirtualCdrom"), a_device(number=1))))
    assert [each.path for each in apart.evidence] == ["cd_drives[0].connected", "cd_drives"]
    silent = outcome_of("DEV-005", a_vm(devices=PARTIAL))
    assert [(each.path, each.raw["unknown"]) for each in silent.evidence] == [("devices", PARTIAL.reason)]
