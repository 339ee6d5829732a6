"""Rules a project adds as data: what they may ask, how they answer, and everything that is refused before they are kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from msgspec import Struct
from msgspec.structs import fields, replace

from estate.facts.source import AllocationFacts, PowerState, VmFacts
from estate.facts.unknown import UNKNOWN, Unknown
from migration.assessment.core.own_fields import FieldRefused, field_path, values_at
from migration.assessment.core.own_rules import FACTS, OwnRuleRefused, compiled, own_rule_from
from migration.assessment.core.registry import RULES, Rule, Subject
from migration.assessment.core.results import Answer, Severity, decide
from tests.builders import pools
from tests.builders.assessment import a_context
from tests.builders.estate import GIB, SEEN_AT, a_disk, a_nic, a_vm
from tests.builders.landscape import a_known_cluster, a_known_host, a_port, a_source

T, F, U = Answer.TRUE, Answer.FALSE, Answer.UNKNOWN
WORDS = {"title": "Not in backup", "why": "Our contract asks for it.", "remediation": "Put it into the backup."}
CONTEXT = a_context()


def data(field: str = "vcpus", comparison: str = "gt", value: Any = 4, **changes: Any) -> dict[str, Any]:
    given = {"id": "OWN-CHECK-01", "field": field, "comparison": comparison, "severity": "warning", **WORDS, **changes}
    return given if value is None else {**given, "value": value}


def rule_of(*args: Any, **changes: Any) -> Rule:
    return compiled(own_rule_from(data(*args, **changes)), "project-1")


def answer(rule: Rule, facts: Any) -> Answer:
    outcome = decide(rule.ask(facts, CONTEXT), rule.severity, SEEN_AT)
    return F if outcome is None else outcome.answer


BIG, SMALL, UNREAD = a_disk(capacity_bytes=11), a_disk(1, capacity_bytes=10), a_disk(2, capacity_bytes=UNKNOWN)
ANY = ("disks[].capacity_bytes", "gt", 10)


@pytest.mark.parametrize(
    ("rule", "vm", "expected"),
    [
        (("vcpus", "eq", 4), {"vcpus": 4}, T),
        (("vcpus", "eq", 4), {"vcpus": 5}, F),
        (("vcpus", "eq", 4), {"vcpus": UNKNOWN}, U),
        (("vcpus", "eq", 4.0), {"vcpus": 4}, T),
        (("vcpus", "ne", 4), {"vcpus": 5}, T),
        (("vcpus", "ne", 4), {"vcpus": 4}, F),
        (("vcpus", "ne", 4), {"vcpus": UNKNOWN}, U),
        (("vcpus", "lt", 4), {"vcpus": 3}, T),
        (("vcpus", "lt", 4), {"vcpus": 4}, F),
        (("vcpus", "le", 4), {"vcpus": 4}, T),
        (("vcpus", "le", 4), {"vcpus": 5}, F),
        (("vcpus", "gt", 4), {"vcpus": 5}, T),
        (("vcpus", "gt", 4), {"vcpus": 4}, F),
        (("vcpus", "ge", 4), {"vcpus": 4}, T),
        (("vcpus", "ge", 4), {"vcpus": 3}, F),
        (("vcpus", "gt", 4), {"vcpus": UNKNOWN}, U),
        (("vcpus", "in", [2, 4]), {"vcpus": 4}, T),
        (("vcpus", "in", [2, 4]), {"vcpus": 3}, F),
        (("vcpus", "not_in", [2, 4]), {"vcpus": 3}, T),
        (("vcpus", "not_in", [2, 4]), {"vcpus": 2}, F),
        (("vcpus", "not_in", [2]), {"vcpus": UNKNOWN}, U),
        (("name", "eq", "APP-01"), {}, T),
        (("name", "in", ["x", "App-01"]), {}, T),
        (("name", "not_in", ["App-01"]), {}, F),
        (("name", "contains", "PP-"), {}, T),
        (("name", "contains", "sql"), {}, F),
        (("name", "matches", "^app-\\d+$"), {}, T),
        (("name", "matches", "^db-"), {}, F),
        (("guest_host_name", "matches", "x"), {"guest_host_name": UNKNOWN}, U),
        (("secure_boot", "eq", True), {"secure_boot": True}, T),
        (("secure_boot", "eq", False), {"secure_boot": True}, F),
        (("power_state", "eq", "poweredOff"), {}, T),
        (("power_state", "eq", "poweredOff"), {"power_state": PowerState.ON}, F),
        (("power_state", "matches", "off$"), {}, T),
        (("managed_by", "is_set", None), {"managed_by": "vc"}, T),
        (("managed_by", "is_set", None), {"managed_by": None}, F),
        (("managed_by", "is_set", None), {"managed_by": UNKNOWN}, U),
        (("managed_by", "is_not_set", None), {"managed_by": None}, T),
        (("managed_by", "is_not_set", None), {"managed_by": UNKNOWN}, U),
        (("managed_by", "eq", "x"), {"managed_by": None}, F),
        (("managed_by", "ne", "x"), {"managed_by": None}, T),
        (("managed_by", "not_in", ["none"]), {"managed_by": None}, T),
        (("managed_by", "contains", "none"), {"managed_by": None}, F),
        (("managed_by", "matches", "none"), {"managed_by": None}, F),
        (("annotation", "is_not_set", None), {"annotation": ""}, T),
        (("annotation", "is_set", None), {"annotation": " "}, T),
        (("tags", "is_not_set", None), {"tags": ()}, T),
        (("tags", "is_set", None), {"tags": ("a",)}, T),
        (("tags", "contains", "gold"), {"tags": ("Gold", "b")}, T),
        (("tags", "contains", "gol"), {"tags": ("Gold",)}, F),
        (("tags", "contains", "gold"), {"tags": UNKNOWN}, U),
        (("tags[]", "contains", "gol"), {"tags": ("Gold",)}, T),
        (("secure_boot", "is_set", None), {"secure_boot": False}, T),
        (("vcpus", "is_set", None), {"vcpus": 0}, T),
        (("created_at", "lt", "2026-11-20T09:00:00+00:00"), {}, T),
        (("created_at", "lt", "2026-11-20T08:00:00+00:00"), {}, F),
        (("created_at", "eq", "2026-11-20T09:00:00+01:00"), {}, T),
        (("created_at", "lt", "2026-11-20T09:00:00+00:00"), {"created_at": None}, F),
        (("cpu_allocation.limit", "gt", 10), {"cpu_allocation": AllocationFacts(limit=11)}, T),
        (("cpu_allocation.limit", "gt", 10), {"cpu_allocation": AllocationFacts(limit=None)}, F),
        (("cpu_allocation.limit", "gt", 10), {"cpu_allocation": AllocationFacts()}, U),
        (("custom_values.Backup", "eq", "yes"), {"custom_values": (("Backup", "Yes"),)}, T),
        (("custom_values.Backup", "eq", "yes"), {"custom_values": (("backup", "Yes"),)}, F),
        (("custom_values.Backup", "is_not_set", None), {"custom_values": ()}, T),
        (("custom_values.Backup", "is_not_set", None), {"custom_values": UNKNOWN}, U),
        (("custom_values.Cost.Centre 1", "is_set", None), {"custom_values": (("Cost.Centre 1", "7"),)}, T),
        (ANY, {"disks": (SMALL, BIG)}, T),
        (ANY, {"disks": (SMALL,)}, F),
        (ANY, {"disks": (SMALL, UNREAD)}, U),
        (ANY, {"disks": (BIG, UNREAD)}, T),
        (ANY, {"disks": ()}, F),
        (ANY, {"disks": UNKNOWN}, U),
        (("disks[].allocation.limit", "gt", 10), {"disks": (a_disk(allocation=AllocationFacts(limit=11)),)}, T),
        (("disks[].io_filters[]", "eq", "vr"), {"disks": (a_disk(io_filters=("x", "VR")),)}, T),
        (("disks[].io_filters[]", "eq", "vr"), {"disks": (a_disk(io_filters=UNKNOWN),)}, U),
        (("disks[].io_filters", "is_set", None), {"disks": (a_disk(io_filters=("x",)),)}, T),
        (("disks", "is_not_set", None), {"disks": ()}, T),
    ],
)
def test_a_rule_compares_one_field(rule: tuple, vm: dict[str, Any], expected: Answer) -> None:
    assert answer(rule_of(*rule), a_vm(**vm)) is expected


@pytest.mark.parametrize(
    ("disks", "expected"),
    [
        ((BIG,), T),
        ((BIG, BIG), T),
        ((BIG, SMALL), F),
        ((BIG, UNREAD), U),
        ((SMALL, UNREAD), F),
        ((), F),
        (UNKNOWN, U),
    ],
)
def test_all_asks_for_every_element_and_at_least_one(disks: Any, expected: Answer) -> None:
    rule = rule_of(*ANY, quantifier="all")
    assert answer(rule, a_vm(disks=disks)) is expected


@pytest.mark.parametrize(
    ("subject", "field", "comparison", "value", "facts"),
    [
        ("host", "physical_nics[].link_mbit_s", "lt", 1000, a_known_host(physical_nics=(a_port(link_mbit_s=100),))),
        ("cluster", "name", "contains", "cluster", a_known_cluster()),
        ("source", "about.product", "contains", "vcenter", a_source()),
        ("pool", "hosts[].product_version", "ne", "8.3.0", pools.a_pool()),
        ("pool", "other_config.default_ha_timeout", "eq", "120", pools.a_pool()),
    ],
)
def test_a_rule_can_be_about_any_subject(subject: str, field: str, comparison: str, value: Any, facts: Any) -> None:
    rule = rule_of(field, comparison, value, subject=subject)
    assert (rule.subject, answer(rule, facts)) == (Subject(subject), T)


def test_a_rule_carries_its_words_and_is_marked_as_the_projects() -> None:
    rule = rule_of(severity="critical", title=" Not in backup ")
    assert (rule.id, rule.title, rule.why, rule.remediation) == ("OWN-CHECK-01", *WORDS.values())
    assert (rule.severity, rule.project, rule.id in RULES) == (Severity.CRITICAL, "project-1", False)


def test_a_finding_shows_where_and_what_and_by_which_version_of_the_rule() -> None:
    rule = rule_of(*ANY, version=3)
    outcome = decide(rule.ask(a_vm(disks=(SMALL, BIG)), CONTEXT), rule.severity, SEEN_AT)
    assert outcome is not None
    assert [(each.path, each.raw) for each in outcome.evidence] == [("disks[1].capacity_bytes", 11)]
    assert outcome.params["parts"] == [{"field": "disks[].capacity_bytes", "comparison": "gt", "version": 3}]


def test_every_finding_can_be_stored() -> None:
    for rule in (rule_of("disks", "is_set", None), rule_of("power_state", "is_set", None), rule_of("created_at", "is_set", None)):
        outcome = decide(rule.ask(a_vm(), CONTEXT), rule.severity, SEEN_AT)
        assert outcome is not None
        assert json.dumps([each.raw for each in outcome.evidence])


def test_all_shows_every_element_or_the_unread_ones() -> None:
    rule = rule_of(*ANY, quantifier="all")
    shown = [[part.path for part in rule.ask(a_vm(disks=disks), CONTEXT)] for disks in ((BIG, BIG), (BIG, UNREAD), (SMALL, BIG))]
    assert shown == [["disks[0].capacity_bytes", "disks[1].capacity_bytes"], ["disks[1].capacity_bytes"], []]


def refused(**changes: Any) -> list[tuple[str, str]]:
    given = {key: value for key, value in {**data(), **changes}.items() if value != "absent"}
    with pytest.raises(OwnRuleRefused) as caught:
        own_rule_from(given)
    assert all(each.detail for each in caught.value.objections)
    return [(each.field, each.code) for each in caught.value.objections]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": "absent"}, ("id", "required")),
        ({"id": "DSK-001"}, ("id", "invalid")),
        ({"id": "OWN-lower"}, ("id", "invalid")),
        ({"id": "OWN-A-B-C"}, ("id", "invalid")),
        ({"id": "OWN-ABCDEFGHIJKLM"}, ("id", "invalid")),
        ({"id": 7}, ("id", "required")),
        ({"field": "absent"}, ("field", "required")),
        ({"field": "colour"}, ("field", "unknown_field")),
        ({"field": "disks[].colour"}, ("field", "unknown_field")),
        ({"field": "disks.label"}, ("field", "unknown_field")),
        ({"field": "vcpus[]"}, ("field", "unknown_field")),
        ({"field": "vcpus.count"}, ("field", "unknown_field")),
        ({"field": "tags[].name"}, ("field", "unknown_field")),
        ({"field": "cpu_allocation"}, ("field", "unknown_field")),
        ({"field": "disks[]"}, ("field", "unknown_field")),
        ({"field": "custom_values"}, ("field", "unknown_field")),
        ({"field": "custom_values[]"}, ("field", "unknown_field")),
        ({"field": "custom_values." + "x" * 120}, ("field", "unknown_field")),
        ({"field": "__class__"}, ("field", "unknown_field")),
        ({"field": "name.__len__"}, ("field", "unknown_field")),
        ({"comparison": "absent"}, ("comparison", "required")),
        ({"comparison": "like"}, ("comparison", "invalid_choice")),
        ({"comparison": "contains"}, ("comparison", "wrong_type")),
        ({"comparison": "matches", "value": "x"}, ("comparison", "wrong_type")),
        ({"field": "name", "value": "a"}, ("comparison", "wrong_type")),
        ({"field": "secure_boot", "value": True}, ("comparison", "wrong_type")),
        ({"field": "tags", "comparison": "eq", "value": "a"}, ("comparison", "wrong_type")),
        ({"field": "cpu_affinity", "comparison": "contains", "value": 1}, ("comparison", "wrong_type")),
        ({"value": "absent"}, ("value", "wrong_type")),
        ({"value": "4"}, ("value", "wrong_type")),
        ({"value": True}, ("value", "wrong_type")),
        ({"value": float("nan")}, ("value", "wrong_type")),
        ({"value": float("inf")}, ("value", "wrong_type")),
        ({"value": [4]}, ("value", "wrong_type")),
        ({"comparison": "in", "value": 4}, ("value", "wrong_type")),
        ({"comparison": "in", "value": []}, ("value", "wrong_type")),
        ({"comparison": "in", "value": [4, "5"]}, ("value", "wrong_type")),
        ({"comparison": "not_in", "value": [1] * 1001}, ("value", "wrong_type")),
        ({"comparison": "is_set"}, ("value", "not_allowed")),
        ({"field": "name", "comparison": "eq", "value": ""}, ("value", "wrong_type")),
        ({"field": "name", "comparison": "eq", "value": "x" * 501}, ("value", "wrong_type")),
        ({"field": "name", "comparison": "eq", "value": 5}, ("value", "wrong_type")),
        ({"field": "secure_boot", "comparison": "eq", "value": 1}, ("value", "wrong_type")),
        ({"field": "created_at", "value": "yesterday"}, ("value", "wrong_type")),
        ({"field": "created_at", "value": "2026-11-01T00:00:00"}, ("value", "wrong_type")),
        ({"field": "created_at", "value": 5}, ("value", "wrong_type")),
        ({"field": "name", "comparison": "matches", "value": "(a"}, ("value", "invalid_pattern")),
        ({"field": "name", "comparison": "matches", "value": "a" * 201}, ("value", "invalid_pattern")),
        ({"quantifier": "most"}, ("quantifier", "invalid_choice")),
        ({"severity": "absent"}, ("severity", "required")),
        ({"severity": "fatal"}, ("severity", "invalid_choice")),
        ({"severity": ["critical"]}, ("severity", "required")),
        ({"subject": "disk"}, ("subject", "invalid_choice")),
        ({"title": "absent"}, ("title", "required")),
        ({"title": "  "}, ("title", "required")),
        ({"title": "x" * 201}, ("title", "max_length")),
        ({"why": "x" * 1001}, ("why", "max_length")),
        ({"remediation": "x" * 1001}, ("remediation", "max_length")),
        ({"version": 0}, ("version", "invalid")),
        ({"version": True}, ("version", "invalid")),
        ({"version": "1"}, ("version", "invalid")),
        ({"code": "import os"}, ("code", "unknown_member")),
    ],
)
def test_what_is_no_rule_is_refused_by_member_and_code(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in refused(**changes)


def test_all_that_is_wrong_with_the_words_is_told_at_once() -> None:
    found = refused(id="x", title="absent", severity="fatal")
    assert found == [("title", "required"), ("id", "invalid"), ("severity", "invalid_choice")]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "OWN-ABCDEFGHIJKL-ABCDEFGHIJKL"},
        {"title": "x" * 200, "why": "x" * 1000, "remediation": "x" * 1000},
        {"field": "name", "comparison": "eq", "value": "x" * 500},
        {"comparison": "in", "value": [1] * 1000},
        {"field": "custom_values." + "x" * 106, "comparison": "is_set", "value": None},
    ],
)
def test_limits_themselves_are_allowed(changes: dict[str, Any]) -> None:
    assert own_rule_from({**data(), **changes})


def has_members(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def paths_of(facts: type, above: str = "") -> Iterator[str]:
    """Every path that a person could write about these facts."""
    hints = get_type_hints(facts)
    for each in fields(facts):
        kinds = [kind for kind in get_args(hints[each.name]) or (hints[each.name],) if kind not in (Unknown, type(None))]
        kind = hints[each.name] if get_origin(hints[each.name]) in (tuple, dict) else kinds[0]
        element = get_args(kind)[0] if get_origin(kind) is tuple else None
        if get_origin(kind) is dict or get_origin(element) is tuple:
            yield f"{above}{each.name}.key"
        elif element is not None:
            yield f"{above}{each.name}"
            yield from paths_of(element, f"{above}{each.name}[].") if has_members(element) else [f"{above}{each.name}[]"]
        else:
            yield from (paths_of(kind, f"{above}{each.name}.") if has_members(kind) else [f"{above}{each.name}"])


@pytest.mark.parametrize("subject", Subject)
def test_every_field_of_every_subject_can_be_asked_for(subject: Subject) -> None:
    missing = []
    for path in paths_of(FACTS[subject]):
        try:
            own_rule_from(data(path, "is_set", None, subject=subject.value))
        except OwnRuleRefused:
            missing.append(path)
    assert missing == (["about.measured_s.key"] if subject is Subject.SOURCE else [])


@pytest.mark.parametrize("path", [path for path in paths_of(VmFacts) if not path.startswith("name")])
def test_a_machine_of_which_nothing_is_known_raises_nothing(path: str) -> None:
    rule = rule_of(path, "is_set", None)
    bare = VmFacts("vm-1", "bare")
    assert answer(rule, bare) is not None
    assert answer(rule, replace(a_vm(), **{path.partition(".")[0].removesuffix("[]"): UNKNOWN})) is U or path == "native_id"


def test_a_path_that_ends_too_early_says_what_may_follow() -> None:
    with pytest.raises(FieldRefused, match=r"write disks\[\] for each"):
        field_path("disks.label", VmFacts)
    with pytest.raises(FieldRefused, match="reservation"):
        field_path("cpu_allocation", VmFacts)
    with pytest.raises(FieldRefused, match=r"custom_values\.Backup"):
        field_path("custom_values", VmFacts)


def test_values_are_told_with_their_place() -> None:
    vm = a_vm(nics=(a_nic(ip_addresses=("192.0.2.1",)), a_nic(1, ip_addresses=("192.0.2.2", "192.0.2.3"))))
    found = list(values_at(vm, field_path("nics[].ip_addresses[]", VmFacts)))
    assert [place for place, _ in found] == ["nics[0].ip_addresses[0]", "nics[1].ip_addresses[0]", "nics[1].ip_addresses[1]"]


def test_ten_rules_over_ten_thousand_machines_take_a_few_seconds() -> None:
    rules = [rule_of("disks[].capacity_bytes", "gt", GIB), rule_of("name", "matches", "^(sql|db)-.*\\d+$")] * 5
    vms = [a_vm(f"app-{number:05}") for number in range(10_000)]
    started = time.perf_counter()
    assert sum(len(list(rule.ask(vm, CONTEXT))) for rule in rules for vm in vms) == 50_000
    assert time.perf_counter() - started < 5
