"""What an answer stands on: the value that decided it, or the one nobody read; values far inside a limit are no concern."""

from __future__ import annotations

from typing import Any

import pytest

from estate.facts.source import PowerState
from estate.facts.unknown import Unknown
from migration.assessment.core.context import NO_TARGET
from migration.assessment.core.results import Answer
from migration.assessment.core.rules.disks import SRS_DIFFER
from tests.builders.assessment import a_context, answer_of, outcome_of, the_limits
from tests.builders.estate import GIB, a_device, a_disk, a_snapshot, a_vm

XCP_NG = {"limits": the_limits("xcp-ng-8.3")}
UNREAD, ALSO_UNREAD = Unknown("no right to read it"), Unknown("not collected")
REASON = {"unknown": UNREAD.reason}
CDROM = a_device("VirtualCdrom", backing="[iso] a.iso", connected=True)

FAR_INSIDE = [
    ("CPU-001", {"vcpus": 1}, {}),
    ("CPU-001", {"vcpus": 1}, XCP_NG),
    ("CPU-002", {"vcpus": 1}, {}),
    ("CPU-003", {"cores_per_socket": 1}, {}),
    ("DSK-013", {"disks": (a_disk(0),), "devices": (CDROM,)}, {}),
    ("DSK-014", {"disks": (a_disk(0),)}, {}),
    ("DSK-021", {"vflash_reservation_bytes": 0, "disks": (a_disk(0, vflash_reservation_bytes=0),)}, {}),
    ("MEM-001", {"memory_bytes": GIB // 1024}, {}),
    ("NIC-001", {"nics": ()}, {}),
]


@pytest.mark.parametrize(("rule_id", "changes", "around"), FAR_INSIDE)
def test_a_value_far_inside_its_limit_is_no_concern(rule_id: str, changes: dict[str, Any], around: dict[str, Any]) -> None:
    assert answer_of(rule_id, a_vm(**changes), a_context(**around)) is Answer.FALSE


TOO_LARGE = {"disks": (a_disk(capacity_bytes=3000 * GIB),)}
DIFFERING = {"vdi_limit_bytes": {"sr-1": 2040 * GIB, "sr-2": 4000 * GIB}}
UNDECIDED = {"vdi_limit_bytes": {"sr-1": 2040 * GIB, "sr-2": UNREAD}}
EVIDENCE: list[tuple[str, dict[str, Any], dict[str, Any], str, Any]] = [
    ("CPU-001", {"vcpus": 65, "guest_id": UNREAD}, XCP_NG, "vcpus", {"unknown": UNREAD.reason}),
    ("CPU-001", {"vcpus": 65, "guest_id": "windows2019srv_64Guest"}, XCP_NG, "vcpus", 65),
    ("CPU-006", {"nested_hv": True}, {}, "nested_hv", True),
    ("CPU-006", {"extra_config": (("vhv.enable", "TRUE"),)}, {}, "nested_hv", True),
    ("CPU-006", {"nested_hv": UNREAD}, {}, "nested_hv", {"unknown": UNREAD.reason}),
    ("CPU-006", {"nested_hv": True, "vbs": UNREAD}, {}, "nested_hv", {"unknown": UNREAD.reason}),
    ("CPU-008", {"min_evc_mode": UNREAD}, {}, "min_evc_mode", {"unknown": UNREAD.reason}),
    ("CPU-008", {"min_evc_mode": "intel-skylake"}, {"evc_modes": UNREAD}, "min_evc_mode", {"unknown": UNREAD.reason}),
    ("CBT-002", {"disks": (a_disk(change_id=UNREAD),), "extra_config": ALSO_UNREAD}, {}, "disks[0].change_id", REASON),
    ("FW-002", {"secure_boot": True}, {}, "secure_boot", True),
    ("NIC-010", {"guest_nics": (), "nics": UNREAD}, {}, "guest_nics", REASON),
    ("NIC-010", {"guest_nics": UNREAD, "nics": ALSO_UNREAD}, {}, "guest_nics", REASON),
    ("SNP-002", {"snapshots": (a_snapshot(),), "change_tracking": False}, {}, "change_tracking", False),
    ("FW-002", {"secure_boot": True, "firmware": UNREAD}, {}, "firmware", REASON),
    ("FW-002", {"secure_boot": UNREAD}, {}, "secure_boot", REASON),
    ("FW-002", {"secure_boot": UNREAD, "firmware": ALSO_UNREAD}, {}, "secure_boot", REASON),
    ("DSK-011", {"disks": (a_disk(has_parent=True),)}, {}, "disks[0].has_parent", True),
    ("DSK-011", {"disks": (a_disk(has_parent=UNREAD),), "snapshots": ALSO_UNREAD}, {}, "disks[0].has_parent", REASON),
    ("DSK-001", TOO_LARGE, {}, "disks[0].capacity_bytes", {"unknown": NO_TARGET.reason, "everywhere": True}),
    ("DSK-001", TOO_LARGE, DIFFERING, "disks[0].capacity_bytes", {"unknown": SRS_DIFFER.reason}),
    ("DSK-001", TOO_LARGE, UNDECIDED, "disks[0].capacity_bytes", REASON),
    ("DSK-013", {"disks": UNREAD}, {}, "disks", {"unknown": UNREAD.reason}),
    ("DSK-013", {"disks": (a_disk(0),), "devices": UNREAD}, {}, "devices", {"unknown": UNREAD.reason}),
]


@pytest.mark.parametrize(("rule_id", "changes", "around", "path", "raw"), EVIDENCE)
def test_the_evidence_is_the_value_that_decided_or_was_not_read(
    rule_id: str, changes: dict[str, Any], around: dict[str, Any], path: str, raw: Any
) -> None:
    outcome = outcome_of(rule_id, a_vm(**changes), a_context(**around))
    assert outcome is not None
    (evidence, *_) = outcome.evidence
    assert (evidence.path, evidence.raw) == (path, raw)


IN_USE: list[tuple[dict[str, Any], PowerState | Unknown, Answer, str]] = [
    ({"backing": UNREAD, "connected": True}, PowerState.ON, Answer.UNKNOWN, "backing"),
    ({"backing": "usb", "connected": UNREAD}, PowerState.ON, Answer.UNKNOWN, "connected"),
    ({"backing": UNREAD, "connected": UNREAD}, PowerState.ON, Answer.UNKNOWN, "backing"),
    ({"backing": "usb", "connected": False}, PowerState.ON, Answer.FALSE, ""),
    ({"backing": "usb", "connected": False}, PowerState.OFF, Answer.TRUE, "backing"),
    ({"backing": "usb", "connected": False}, UNREAD, Answer.UNKNOWN, "backing"),
]


@pytest.mark.parametrize(("device", "power", "answer", "path"), IN_USE)
def test_a_usb_device_is_in_use_by_what_it_is_connected_to(
    device: dict[str, Any], power: PowerState | Unknown, answer: Answer, path: str
) -> None:
    usb = a_device("VirtualUSB", **device)
    outcome = outcome_of("DEV-003", a_vm(devices=(usb,), power_state=power))
    assert (Answer.FALSE if outcome is None else outcome.answer) is answer
    if outcome is not None:
        assert path in outcome.evidence[0].path


@pytest.mark.parametrize(
    ("traits", "answer"),
    [
        ((("numDisplays", "1"), ("enable3DSupport", "false")), Answer.FALSE),
        ((("numDisplays", "2"), ("enable3DSupport", "false")), Answer.TRUE),
        ((("numDisplays", "0"), ("enable3DSupport", "false")), Answer.FALSE),
        ((("numDisplays", "1"), ("enable3DSupport", "TRUE")), Answer.TRUE),
        ((("enable3DSupport", "false"),), Answer.UNKNOWN),
        ((("numDisplays", "1"),), Answer.UNKNOWN),
    ],
)
def test_a_graphics_card_is_a_concern_by_displays_or_3d(traits: tuple[tuple[str, str], ...], answer: Answer) -> None:
    card = a_device("VirtualMachineVideoCard", traits=traits)
    outcome = outcome_of("DEV-008", a_vm(devices=(card,)))
    assert (Answer.FALSE if outcome is None else outcome.answer) is answer
    if outcome is not None:
        told = outcome.evidence[0].raw
        assert ("unknown" in told) is (answer is Answer.UNKNOWN)
