"""Each rule: a true, a false and an unknown case, with what it shows for it."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.facts.source import DiskBacking, DiskFacts, NicFacts, VmFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.assess import findings_of
from migration.assessment.core.registry import RULES, rule
from migration.assessment.core.results import Answer, Evidence, Severity
from migration.assessment.core.rules import catalogue
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import GIB, SEEN_AT, a_disk, a_nic, a_snapshot, a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
VHD_MAX = 2040 * GIB
MAC = "00:50:56:aa:00:00"
VHD_ONLY = {"largest_vdi_bytes": VHD_MAX}
GFS2 = {"largest_vdi_bytes": 16384 * GIB}

CASES = [
    ("DSK-001", {"disks": (a_disk(capacity_bytes=VHD_MAX + 1),)}, VHD_ONLY, T),
    ("DSK-001", {"disks": (a_disk(capacity_bytes=VHD_MAX),)}, VHD_ONLY, F),
    ("DSK-001", {"disks": (a_disk(capacity_bytes=VHD_MAX),)}, {}, F),
    ("DSK-001", {"disks": (a_disk(capacity_bytes=VHD_MAX + 1),)}, GFS2, F),
    ("DSK-001", {"disks": (a_disk(capacity_bytes=16384 * GIB + 1),)}, GFS2, T),
    ("DSK-001", {"disks": (a_disk(capacity_bytes=VHD_MAX + 1),)}, {}, U),
    ("DSK-001", {"disks": (a_disk(capacity_bytes=UNKNOWN),)}, VHD_ONLY, U),
    ("DSK-001", {"disks": UNKNOWN}, VHD_ONLY, U),
    ("DSK-001", {"disks": (a_disk(capacity_bytes=UNKNOWN), a_disk(1, capacity_bytes=VHD_MAX + 1))}, VHD_ONLY, T),
    ("DSK-004", {"disks": (a_disk(backing=DiskBacking.RDM_PHYSICAL),)}, {}, T),
    ("DSK-004", {"disks": (a_disk(), a_disk(1, backing=DiskBacking.RDM_PHYSICAL))}, {}, T),
    ("DSK-004", {"disks": (a_disk(backing=DiskBacking.RDM_VIRTUAL),)}, {}, F),
    ("DSK-004", {"disks": (a_disk(backing=UNKNOWN),)}, {}, U),
    ("DSK-004", {"disks": UNKNOWN}, {}, U),
    ("DSK-008", {"disks": (a_disk(sharing="sharingMultiWriter"),)}, {}, T),
    ("DSK-008", {"disks": (a_disk(controller_shared_bus="physicalSharing"),)}, {}, T),
    ("DSK-008", {"disks": (a_disk(controller_shared_bus="virtualSharing", sharing=UNKNOWN),)}, {}, T),
    ("DSK-008", {"disks": (a_disk(),)}, {}, F),
    ("DSK-008", {"disks": (a_disk(controller_type="VirtualAHCIController", controller_shared_bus=UNKNOWN),)}, {}, F),
    ("DSK-008", {"disks": (a_disk(sharing=UNKNOWN),)}, {}, U),
    ("DSK-008", {"disks": (a_disk(controller_shared_bus=UNKNOWN),)}, {}, U),
    ("DSK-008", {"disks": UNKNOWN}, {}, U),
    ("NIC-003", {"nics": (a_nic(mac_address=""),)}, {}, T),
    ("NIC-003", {"nics": (a_nic(mac_address="01:00:5e:00:00:01"),)}, {}, T),
    ("NIC-003", {"nics": (a_nic(mac_address="not a mac"),)}, {}, T),
    ("NIC-003", {}, {"mac_owners": {MAC: ("app-01", "app-02")}}, T),
    ("NIC-003", {}, {"mac_owners": {MAC: ("app-01", "app-01")}}, T),
    ("NIC-003", {}, {"mac_owners": {MAC: ("app-01",)}, "pool_mac_owners": {MAC: ("x (pool p)",)}}, T),
    ("NIC-003", {"nics": (a_nic(mac_address="00-50-56-AA-00-00"),)}, {"mac_owners": {MAC: ("app-01", "x")}}, T),
    ("NIC-003", {}, {"mac_owners": {MAC: ("app-01",)}}, F),
    ("NIC-003", {"nics": ()}, {}, F),
    ("NIC-003", {"nics": (a_nic(mac_address=UNKNOWN),)}, {}, U),
    ("NIC-003", {"nics": UNKNOWN}, {}, U),
    ("FW-001", {"firmware": "efi"}, {"firmware_of_template": {"windows2019srv_64Guest": "bios"}}, T),
    ("FW-001", {"firmware": "bios"}, {"firmware_of_template": {"windows2019srv_64Guest": "uefi"}}, T),
    ("FW-001", {"firmware": "efi"}, {"firmware_of_template": {"windows2019srv_64Guest": "uefi"}}, F),
    ("FW-001", {"firmware": "efi"}, {}, F),
    ("FW-001", {"firmware": UNKNOWN}, {}, U),
    ("FW-001", {"firmware": UNKNOWN}, {"firmware_of_template": {"windows2019srv_64Guest": "uefi"}}, U),
    ("SNP-001", {"snapshots": (a_snapshot(),)}, {}, T),
    ("SNP-001", {"snapshots": ()}, {}, F),
    ("SNP-001", {"snapshots": UNKNOWN}, {}, U),
    ("STA-004", {"managed_by": "com.vmware.vcDr"}, {}, T),
    ("STA-004", {"name": "vCLS-5c0ffee0", "managed_by": UNKNOWN}, {}, T),
    ("STA-004", {"managed_by": None}, {}, F),
    ("STA-004", {"name": "myvCLS-notes", "managed_by": None}, {}, F),
    ("STA-004", {"managed_by": UNKNOWN}, {}, U),
    ("FTL-001", {"ft_state": "running"}, {}, T),
    ("FTL-001", {"ft_configured": True, "ft_state": UNKNOWN}, {}, T),
    ("FTL-001", {"ft_state": "disabled"}, {}, F),
    ("FTL-001", {"ft_state": UNKNOWN}, {}, U),
    ("FTL-001", {"ft_configured": UNKNOWN}, {}, U),
]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_rule_answers_in_three_values(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected


@pytest.mark.parametrize("answer", [T, F, U])
def test_every_rule_has_a_case_of_each_answer(answer: Answer) -> None:
    assert {case[0] for case in CASES if case[3] is answer} == set(RULES)


def test_the_catalogue_holds_the_eight_rules_with_their_texts() -> None:
    assert [rule.id for rule in catalogue()] == [
        "DSK-001", "DSK-004", "DSK-008", "FTL-001", "FW-001", "NIC-003", "SNP-001", "STA-004",
    ]  # fmt: skip
    assert {rule.id for rule in catalogue() if rule.severity is not Severity.CRITICAL} == {"SNP-001"}
    assert all(rule.title and rule.why and rule.remediation and rule.sources for rule in catalogue())


def test_an_id_cannot_be_entered_twice() -> None:
    with pytest.raises(ValueError, match="DSK-001 is entered twice"):
        rule("DSK-001", severity=Severity.INFO, sources="V", title="x", why="x", remediation="x")(RULES["DSK-001"].ask)


def test_a_finding_names_the_disk_and_where_it_was_read() -> None:
    vm = a_vm(disks=(a_disk(), a_disk(1, backing=DiskBacking.RDM_PHYSICAL)))
    outcome = outcome_of("DSK-004", vm)
    assert outcome.params["parts"] == [
        {"device_key": 2001, "label": "Hard disk 2", "address": "ParaVirtualSCSIController0:1", "capacity_bytes": 10 * GIB}
    ]
    assert outcome.evidence == (Evidence("disks[1].backing", DiskBacking.RDM_PHYSICAL, SEEN_AT),)


def test_a_duplicate_mac_names_the_other_machine() -> None:
    outcome = outcome_of("NIC-003", a_vm(), a_context(mac_owners={MAC: ("app-01", "web-07")}))
    part = outcome.params["parts"][0]
    assert (part["problem"], part["also_on"], part["mac_address"]) == ("duplicate", ["web-07"], MAC)


def test_an_unknown_answer_keeps_the_reason() -> None:
    outcome = outcome_of("SNP-001", a_vm(snapshots=UNKNOWN))
    assert outcome.evidence[0].raw == {"unknown": "not read"}


def test_a_clean_machine_has_no_findings() -> None:
    assert findings_of(a_vm(), a_context(), catalogue()) == ()


OPTIONAL = [f.name for f in fields(VmFacts) if f.default is UNKNOWN]


@given(missing=st.sets(st.sampled_from(OPTIONAL)))
def test_missing_facts_never_raise_and_never_turn_unknown_into_false(missing: set[str]) -> None:
    vm = replace(a_vm(), **dict.fromkeys(missing, UNKNOWN))
    answers = {finding.rule.id: finding.outcome.answer for finding in findings_of(vm, a_context(), catalogue())}
    needed = {
        "disks": {"DSK-001", "DSK-004", "DSK-008"}, "nics": {"NIC-003"}, "firmware": {"FW-001"}, "snapshots": {"SNP-001"},
        "managed_by": {"STA-004"}, "ft_state": {"FTL-001"}, "ft_configured": {"FTL-001"},
    }  # fmt: skip
    expected = {rule_id for name in missing for rule_id in needed.get(name, ())}
    assert answers == dict.fromkeys(expected, U)


def unread(kind: type, part: object) -> st.SearchStrategy:
    """The part with any of its readable fields unread."""
    names = [f.name for f in fields(kind) if f.default is UNKNOWN or f.name in {"capacity_bytes", "backing", "mac_address"}]
    return st.sets(st.sampled_from(names)).map(lambda gone: (replace(part, **dict.fromkeys(gone, UNKNOWN)), gone))


@given(disk=unread(DiskFacts, a_disk()), nic=unread(NicFacts, a_nic()))
def test_parts_with_missing_facts_leave_their_questions_open_and_can_be_stored(disk: tuple, nic: tuple) -> None:
    found = findings_of(a_vm(disks=(disk[0],), nics=(nic[0],)), a_context(), catalogue())
    needed = {
        "capacity_bytes": "DSK-001", "backing": "DSK-004", "sharing": "DSK-008", "controller_shared_bus": "DSK-008",
        "mac_address": "NIC-003",
    }  # fmt: skip
    expected = {needed[name] for name in disk[1] | nic[1] if name in needed}
    assert {finding.rule.id: finding.outcome.answer for finding in found} == dict.fromkeys(expected, U)
    assert all(json.dumps([dict(f.outcome.params), [e.raw for e in f.outcome.evidence]]) for f in found)
