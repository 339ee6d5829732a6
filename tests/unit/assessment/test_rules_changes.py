"""Rules on change tracking and VMware Tools: switches of machine and disks, and the first hardware that can."""

from __future__ import annotations

import pytest

from estate.facts.source import PowerState
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.registry import RULES, When
from migration.assessment.core.results import Answer
from tests.builders.assessment import answer_of, outcome_of
from tests.builders.estate import a_disk, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN


def switched(key: str, value: str = "TRUE", **disk: object) -> dict:
    return {"extra_config": ((key, value),), "disks": (a_disk(**disk),)}


CASES = [
    ("CBT-001", {"change_tracking": True}, F),
    ("CBT-001", {"change_tracking": False}, T),
    ("CBT-001", {"change_tracking": UNKNOWN}, U),
    ("CBT-002", {}, F),
    ("CBT-002", {"disks": ()}, F),
    ("CBT-002", {"disks": UNKNOWN}, U),
    ("CBT-002", {"extra_config": ()}, T),
    ("CBT-002", {"extra_config": UNKNOWN}, U),
    ("CBT-002", {"extra_config": UNKNOWN, "disks": (a_disk(change_id=None),)}, T),
    ("CBT-002", switched("scsi0:0.ctkEnabled", "true"), F),
    ("CBT-002", switched("scsi0:0.ctkEnabled", "FALSE"), T),
    ("CBT-002", switched("scsi0:0.ctkEnabled", change_id=None), T),
    ("CBT-002", switched("scsi0:0.ctkEnabled", change_id=""), T),
    ("CBT-002", switched("scsi0:0.ctkEnabled", change_id=UNKNOWN), U),
    ("CBT-002", switched("scsi0:0.ctkEnabled", "FALSE", change_id=UNKNOWN), T),
    ("CBT-002", switched("scsi0:0.ctkEnabled", "yes"), T),
    ("CBT-002", switched("scsi0:0.ctkEnabled", unit_number=1), T),
    ("CBT-002", switched("scsi0:0.ctkEnabled", unit_number=UNKNOWN), U),
    ("CBT-002", switched("scsi1:15.ctkEnabled", controller_type="VirtualLsiLogicSASController", bus_number=1, unit_number=15), F),
    ("CBT-002", switched("scsi0:0.ctkEnabled", controller_type="VirtualBusLogicController"), F),
    ("CBT-002", switched("sata0:0.ctkEnabled", controller_type="VirtualAHCIController"), F),
    ("CBT-002", switched("nvme0:0.ctkEnabled", controller_type="VirtualNVMEController"), F),
    ("CBT-002", switched("ide0:0.ctkEnabled", controller_type="VirtualIDEController"), F),
    ("CBT-002", switched("scsi0:0.ctkEnabled", controller_type="something else"), U),
    ("CBT-003", {"hardware_version": "vmx-07"}, F),
    ("CBT-003", {"hardware_version": "vmx-04"}, T),
    ("CBT-003", {"hardware_version": "vmx-06", "change_tracking_supported": UNKNOWN}, T),
    ("CBT-003", {"hardware_version": "vmx-10 vmx-13"}, F),
    ("CBT-003", {"hardware_version": "virtualbox-2.2"}, U),
    ("CBT-003", {"hardware_version": UNKNOWN}, U),
    ("CBT-003", {"change_tracking_supported": False}, T),
    ("CBT-003", {"change_tracking_supported": UNKNOWN}, U),
    ("VMT-001", {}, F),
    ("VMT-001", {"tools_running": False}, T),
    ("VMT-001", {"tools_version_status": "guestToolsNotInstalled", "tools_running": UNKNOWN}, T),
    ("VMT-001", {"tools_version_status": "guestToolsNeedUpgrade"}, F),
    ("VMT-001", {"tools_version_status": "guestToolsTooOld"}, F),
    ("VMT-001", {"tools_running": UNKNOWN}, U),
    ("VMT-001", {"tools_version_status": UNKNOWN}, U),
]


@pytest.mark.parametrize(("rule_id", "vm", "expected"), CASES)
def test_rule_answers_from_the_switches(rule_id: str, vm: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm)) is expected


def test_change_tracking_is_asked_for_only_when_a_warm_transfer_is_planned() -> None:
    assert {RULES[f"CBT-00{number}"].when for number in (1, 2, 3)} == {When.WARM}


def test_the_finding_names_the_untracked_disk_alone() -> None:
    outcome = outcome_of("CBT-002", a_vm(disks=(a_disk(), a_disk(1))))
    assert [part["address"] for part in outcome.params["parts"]] == ["ParaVirtualSCSIController0:1"]


def test_silent_tools_of_a_machine_that_is_off_can_be_told_apart() -> None:
    outcome = outcome_of("VMT-001", a_vm(tools_running=False, power_state=PowerState.OFF))
    assert outcome.params["parts"] == [{"problem": "not running", "power_state": "poweredOff"}]
