"""Rules on the operating system: what the guest table says of it, and what stays open while the system is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer
from migration.assessment.core.rules.guest_os import runs, undecided
from tests.builders.assessment import a_context, answer_of, outcome_of, the_guests
from tests.builders.estate import a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
UBUNTU = {"guest_id": "ubuntu64Guest", "guest_full_name": "Ubuntu Linux (64-bit)"}
SERVER_2012 = {"guest_id": "windows8Server64Guest", "guest_full_name": "Microsoft Windows Server 2012 (64-bit)"}


def told(pretty: str) -> dict:
    return {"guest_detailed_data": f"bitness='64' prettyName='{pretty}'"}


CASES = [
    ("OS-001", {}, F),
    ("OS-001", {"guest_id": "otherGuest"}, T),
    ("OS-001", {"guest_id": "other5xLinux64Guest"}, T),
    ("OS-001", {"guest_id": "fedora64Guest"}, T),
    ("OS-001", {"guest_id": UNKNOWN}, U),
    ("OS-001", UBUNTU, U),
    ("OS-001", {**UBUNTU, **told("Ubuntu 24.04 LTS")}, F),
    ("OS-001", {**UBUNTU, "guest_full_name": UNKNOWN}, U),
    ("OS-001", SERVER_2012, F),
    ("OS-002", {}, F),
    ("OS-002", {"guest_full_name": UNKNOWN, "guest_detailed_data": UNKNOWN}, F),
    ("OS-002", {"guest_id": "windows9_64Guest"}, T),
    ("OS-002", {"guest_id": "rhel6_64Guest"}, T),
    ("OS-002", {"guest_id": "debian13_64Guest"}, T),
    ("OS-002", {"guest_id": "freebsd14_64Guest"}, T),
    ("OS-002", {"guest_id": "otherGuest64"}, T),
    ("OS-002", SERVER_2012, T),
    ("OS-002", UBUNTU, U),
    ("OS-002", {**UBUNTU, **told("Ubuntu 22.04.5 LTS")}, F),
    ("OS-002", {**UBUNTU, **told("Ubuntu 20.04.6 LTS")}, T),
    ("OS-002", {"guest_id": "sles15_64Guest"}, U),
    ("OS-002", {"guest_id": "sles15_64Guest", **told("SUSE Linux Enterprise Server 15 SP7")}, F),
    ("OS-002", {"guest_id": "sles15_64Guest", **told("SUSE Linux Enterprise Server 15 SP6")}, T),
    ("OS-002", {"guest_id": "fedora64Guest"}, U),
    ("OS-002", {"guest_id": UNKNOWN}, U),
    ("OS-003", {}, F),
    ("OS-003", {"guest_id": "windows9Server64Guest"}, F),
    ("OS-003", {"guest_id": "windows7_64Guest"}, T),
    ("OS-003", SERVER_2012, T),
    ("OS-003", UBUNTU, F),
    ("OS-003", {"guest_id": "otherGuest"}, U),
    ("OS-003", {"guest_id": "other5xLinux64Guest"}, F),
    ("OS-003", {"guest_id": UNKNOWN}, U),
    ("OS-004", {}, F),
    ("OS-004", {"reported_guest_id": "WINDOWS2019SRV_64GUEST"}, F),
    ("OS-004", {"reported_guest_id": "windows9Server64Guest"}, T),
    ("OS-004", {"reported_guest_full_name": "Microsoft Windows Server 2019 or later (64-bit)"}, F),
    ("OS-004", {"reported_guest_id": "rhel9_64Guest"}, T),
    ("OS-004", {"reported_guest_id": UNKNOWN}, U),
    ("OS-004", {"reported_guest_id": None}, U),
    ("OS-004", {"configured_guest_id": UNKNOWN}, U),
]


@pytest.mark.parametrize(("rule_id", "vm", "expected"), CASES)
def test_rule_answers_in_three_values(rule_id: str, vm: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm)) is expected


@pytest.mark.parametrize(("day", "expected"), [(datetime(2029, 1, 31, 23, tzinfo=UTC), F), (datetime(2029, 2, 1, tzinfo=UTC), T)])
def test_the_last_supported_day_is_still_supported(day: datetime, expected: Answer) -> None:
    assert answer_of("OS-002", a_vm(), replace(a_context(), asked_at=day)) is expected


def test_an_unsupported_system_is_named_with_its_support_and_template() -> None:
    outcome = outcome_of("OS-002", a_vm(guest_id="rhel7_64Guest"))
    assert outcome.params["parts"] == [
        {
            "systems": ["Red Hat Enterprise Linux 7"], "template": "Red Hat Enterprise Linux 8", "fit": "nearest",
            "support": "paid", "supported_until": None,
        }
    ]  # fmt: skip


def test_an_open_version_is_told_with_the_systems_it_may_be() -> None:
    outcome = outcome_of("OS-001", a_vm(**UBUNTU))
    assert "Ubuntu 18.04" in outcome.evidence[0].raw["unknown"]


def test_a_disagreement_shows_both_ids() -> None:
    outcome = outcome_of("OS-004", a_vm(reported_guest_id="windows9Server64Guest"))
    assert outcome.params["parts"] == [{"configured": "windows2019srv_64Guest", "reported": "windows9Server64Guest"}]


@pytest.mark.parametrize(
    ("vm", "reason"),
    [
        ({"guest_id": "sles15_64Guest"}, "sles15_64Guest does not tell enough"),
        ({"guest_id": "fedora64Guest"}, "the guest table has no fedora64Guest"),
        ({**SERVER_2012, **told("")}, "windows8Server64Guest may be Windows Server 2012, Windows Server 2012 R2"),
    ],
)
def test_the_reason_of_an_open_question_about_the_guest_says_what_its_id_lacks(vm: dict, reason: str) -> None:
    assert undecided(a_vm(**vm), a_context()).reason == reason


@pytest.mark.parametrize(
    ("guest_id", "family", "expected"),
    [
        ("windows2019srv_64Guest", "windows", T),
        ("windows2019srv_64Guest", "linux", F),
        ("rhel9_64Guest", "linux", T),
        ("rhel9_64Guest", "windows", F),
        ("freebsd14_64Guest", "windows", F),
        ("freebsd14_64Guest", "linux", F),
        ("otherGuest64", "windows", U),
        ("otherGuest64", "linux", U),
        ("other5xLinux64Guest", "windows", F),
        ("fedora64Guest", "linux", U),
    ],
)
def test_an_unidentified_guest_may_be_of_any_family(guest_id: str, family: str, expected: Answer) -> None:
    vm = a_vm(guest_id=guest_id, guest_full_name="", guest_detailed_data=None)
    assert runs(vm, a_context(), family) is expected


def test_a_windows_without_drivers_is_named_by_its_id() -> None:
    assert outcome_of("OS-003", a_vm(guest_id="windows7_64Guest")).params["parts"] == [{"guest_id": "windows7_64Guest"}]
    assert outcome_of("OS-003", a_vm(guest_id="otherGuest")).params["parts"] == []


def test_two_templates_are_as_undecided_as_many_and_the_first_system_stands_for_all_that_are_out_of_support() -> None:
    table = the_guests()
    two = [row for row in table.rows_of("ubuntu64Guest") if row.name in {"Ubuntu 16.04", "Ubuntu 18.04"}]
    around = a_context(guests=replace(table, rows=(replace(two[0], supported_until=date(2021, 4, 30)), two[1])))
    vm = a_vm(**UBUNTU)
    assert answer_of("OS-001", vm, around) is U
    (told,) = outcome_of("OS-002", vm, around).params["parts"]
    assert told == {
        "systems": ["Ubuntu 16.04", "Ubuntu 18.04"],
        "template": "Other install media",
        "fit": "other",
        "support": "no",
        "supported_until": "2021-04-30",
    }
