"""Rules on identity: names that are missing, shared or unfit, and ids that only a probe of Windows can read."""

from __future__ import annotations

import pytest

from estate.facts.unknown import UNKNOWN
from migration.assessment.core.results import Answer, Severity
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import a_vm

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
LINUX = {"guest_id": "rhel9_64Guest"}
TWICE = {"app-01": ("app-01", "b")}

CASES = [
    ("IDN-001", {}, {}, F),
    ("IDN-001", {"guest_host_name": " "}, {}, T),
    ("IDN-001", {"guest_host_name": "localhost"}, {}, T),
    ("IDN-001", {"guest_host_name": "LOCALHOST.localdomain"}, {}, T),
    ("IDN-001", {"guest_host_name": "localhost-1"}, {}, F),
    ("IDN-001", {"guest_host_name": UNKNOWN}, {}, U),
    ("IDN-002", {}, {}, U),
    ("IDN-002", {}, {"host_name_owners": TWICE}, T),
    ("IDN-002", {"guest_host_name": "APP-01 "}, {"host_name_owners": TWICE}, T),
    ("IDN-002", LINUX, {"host_name_owners": {"app-01": ("app-01",)}}, F),
    ("IDN-002", LINUX, {"host_name_owners": TWICE}, T),
    ("IDN-002", {**LINUX, "guest_host_name": UNKNOWN}, {}, U),
    ("IDN-002", {"guest_id": "otherGuest"}, {}, U),
    ("IDN-003", {}, {}, F),
    ("IDN-003", {"name": "x" * 80}, {}, F),
    ("IDN-003", {"name": "x" * 81}, {}, T),
    ("IDN-003", {"name": "app\x0701"}, {}, T),
    ("IDN-003", {"name": "Bu\u0308ro"}, {}, T),
    ("IDN-003", {"name": "B\u00fcro"}, {}, F),
    ("IDN-003", {}, {"name_owners": {"app-01": ("app-01",)}}, F),
    ("IDN-003", {"name": "App-01"}, {"name_owners": {"app-01": ("App-01", "app-01")}}, T),
    ("IDN-003", {}, {"vm_names": frozenset({"app-01"})}, T),
    ("IDN-003", {}, {"machines_unread": UNKNOWN}, U),
    ("IDN-003", {"name": "x" * 81}, {"machines_unread": UNKNOWN}, T),
    ("IDN-003", {}, {"vm_names": frozenset({"app-02"})}, F),
    ("IDN-004", {}, {}, U),
    ("IDN-004", LINUX, {}, F),
    ("IDN-004", {"guest_id": "other5xLinux64Guest"}, {}, F),
    ("IDN-004", {"guest_id": "freebsd14_64Guest"}, {}, F),
    ("IDN-004", {"guest_id": "otherGuest"}, {}, U),
    ("IDN-004", {"guest_id": UNKNOWN}, {}, U),
]


@pytest.mark.parametrize(("rule_id", "vm", "context", "expected"), CASES)
def test_rule_answers_in_three_values(rule_id: str, vm: dict, context: dict, expected: Answer) -> None:
    assert answer_of(rule_id, a_vm(**vm), a_context(**context)) is expected


@pytest.mark.parametrize(
    ("guest_id", "severity"),
    [
        ("windows11_64Guest", Severity.CRITICAL),
        ("windows2022srvNext_64Guest", Severity.CRITICAL),
        ("windows2019srv_64Guest", Severity.WARNING),
        ("windows8Server64Guest", Severity.WARNING),
        ("otherGuest", Severity.CRITICAL),
        ("not listed", Severity.CRITICAL),
        (UNKNOWN, Severity.CRITICAL),
    ],
)
def test_an_unread_sid_is_critical_where_updates_refuse_equal_ones(guest_id: object, severity: Severity) -> None:
    assert outcome_of("IDN-004", a_vm(guest_id=guest_id)).severity is severity


def test_a_bad_name_tells_all_that_is_wrong_with_it() -> None:
    outcome = outcome_of("IDN-003", a_vm("x" * 80 + "\n"), a_context(vm_names=frozenset({"x" * 80 + "\n"})))
    assert outcome.params["parts"][0]["problems"] == ["in_pool", "too_long", "control_character"]


def test_a_shared_host_name_names_the_machines() -> None:
    outcome = outcome_of("IDN-002", a_vm(**LINUX), a_context(host_name_owners=TWICE))
    assert outcome.params["parts"] == [{"host_name": "app-01", "machines": ["app-01", "b"]}]
