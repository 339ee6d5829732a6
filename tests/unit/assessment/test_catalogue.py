"""The catalogue as a whole: its ids, severities and texts, a case of each answer for every rule, and that unread facts open
questions without turning any answer round."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields, replace

from estate.facts.source import AllocationFacts, VmFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment.core.assess import findings_of
from migration.assessment.core.registry import RULES, Subject, rule
from migration.assessment.core.results import Answer, Severity
from migration.assessment.core.rules import catalogue
from tests.builders.assessment import a_context, answer_of, outcome_of
from tests.builders.estate import GIB, a_datastore, a_network, a_vm

CRITICAL = """CBT-001 CBT-002 CBT-003 CPU-001 CPU-006 CPU-009 DEV-001 DEV-002 DEV-003 DEV-007 DSK-001 DSK-002 DSK-003 DSK-004
DSK-008 DSK-009 DSK-010 DSK-012 DSK-013 DSK-018 FTL-001 FW-001 GST-001 GST-002 GST-003 GST-005 GST-006 GST-007 HST-001 HST-005
MEM-001 MEM-002 NIC-001 NIC-002 NIC-003 NIC-005 NIC-008 OS-001 POL-010 POL-011 POL-012 POL-019 SNP-002 SNP-004 SRC-001 SRC-002
SRC-003 SRC-007 SRC-008 STA-001 STA-002 STA-004"""
WARNING = """AFF-001 CPU-002 CPU-004 CPU-005 CPU-007 CPU-008 DEV-005 DEV-006 DEV-009 DSK-005 DSK-007 DSK-011 DSK-014 DSK-015
DSK-017 DSK-019 DSK-021 FW-002 FW-003 FW-004 FW-006 FW-007 FW-008 GST-004 GST-008 GST-009 GST-010 GST-011 GST-012 GST-013 GST-014
HST-002 HST-004 IDN-001 IDN-002 IDN-003 MEM-003 MEM-004 NIC-004 NIC-006 NIC-007 NIC-009 NIC-010 NIC-011 NIC-012 NIC-013 OS-002
OS-003 OS-004 POL-009 POL-015 POL-016 POL-017 POL-018 SNP-001 SNP-003 SNP-005 SRC-004 SRC-005 SRC-006 SRC-009 SRC-010 SRC-011
STA-005 VMT-001"""
INFO = "AFF-002 CPU-003 DEV-004 DEV-008 DSK-016 DSK-020 FW-009 MEM-005 STA-003"
TWO_SEVERITIES = "DSK-006 FW-005 IDN-004"
UNTIL_ATTESTED = "HST-003"
SEVERITIES = (
    dict.fromkeys(CRITICAL.split(), (Severity.CRITICAL,))
    | dict.fromkeys(WARNING.split(), (Severity.WARNING,))
    | dict.fromkeys(INFO.split(), (Severity.INFO,))
    | dict.fromkeys(TWO_SEVERITIES.split(), (Severity.CRITICAL, Severity.WARNING))
    | dict.fromkeys(UNTIL_ATTESTED.split(), tuple(Severity))
)
"""What each rule may be entered with; a rule of two severities chooses by its facts."""

PROBE_ONLY = {f"GST-{number:03}" for number in (1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14)} | {"FW-003", "IDN-004"}
NEVER = {
    Answer.TRUE: PROBE_ONLY | {"HST-003"},
    Answer.FALSE: {"GST-007", "GST-009", "GST-013", "GST-014", "HST-003", "FW-009", "POL-015"},
    Answer.UNKNOWN: {"FW-009"},
}
"""What rules cannot answer: what only a look into the guest or a person could tell, a UUID that always changes."""

MACHINE_RULES = tuple(found for found in catalogue() if found.subject is Subject.MACHINE)
MACHINE_IDS = {found.id for found in MACHINE_RULES}
AROUND = {
    "datastores": {"datastore-1": a_datastore()}, "networks": {"network-1": a_network()},
    "free_memory_bytes": 64 * GIB, "evc_modes": {}, "vdi_limit_bytes": {"sr-1": 2040 * GIB},
    "mapped_networks": {"network-1": "n"},
}  # fmt: skip


def written_cases() -> list[dict[str, Any]]:
    """Every case of the rule tests beside this one, by the names its test gives to its values."""
    found: list[dict[str, Any]] = []
    for path in sorted(Path(__file__).parent.glob("test_rules_*.py")):
        module = importlib.import_module(f"tests.unit.assessment.{path.stem}")
        marks = [mark for test in vars(module).values() for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        found += [
            dict(zip(mark.args[0], case, strict=True)) for mark in marks for case in mark.args[1] if "expected" in mark.args[0]
        ]
    return [case for case in found if "rule_id" in case]


CASES = written_cases()
FACTS = {field.name for field in fields(VmFacts)}


def machine_of(case: dict[str, Any]) -> VmFacts:
    return a_vm(**{**case.get("vm", {}), **{name: value for name, value in case.items() if name in FACTS}})


MACHINES = [
    (case["rule_id"], machine_of(case), {**AROUND, **case.get("context", {})}) for case in CASES if case["rule_id"] in MACHINE_IDS
]


def test_the_catalogue_holds_the_ids_and_severities_of_the_table() -> None:
    assert len(SEVERITIES) == 130
    assert RULES.keys() == SEVERITIES.keys()
    assert {found.id: found.severity for found in catalogue() if found.severity not in SEVERITIES[found.id]} == {}


def test_every_rule_says_what_why_and_what_next() -> None:
    assert all(found.title and found.why and found.remediation and found.sources for found in catalogue())
    assert len({found.title for found in catalogue()}) == len(RULES)


def test_an_id_cannot_be_entered_twice() -> None:
    with pytest.raises(ValueError, match="DSK-001 is entered twice"):
        rule("DSK-001", severity=Severity.INFO, sources="V", title="x", why="x", remediation="x")(RULES["DSK-001"].ask)


@pytest.mark.parametrize("answer", Answer)
def test_every_rule_is_seen_to_give_each_answer_it_can(answer: Answer) -> None:
    written = {case["rule_id"] for case in CASES if case["expected"] is answer}
    context = a_context(**AROUND)
    asked = [(found.id, machine) for found in MACHINE_RULES for machine in (a_vm(), VmFacts("vm-1", "app-01"))]
    seen = {rule_id for rule_id, machine in asked if answer_of(rule_id, machine, context) is answer}
    assert RULES.keys() - written - seen == NEVER[answer]


def test_nothing_critical_stands_against_a_clean_machine() -> None:
    found = findings_of(a_vm(), a_context(**AROUND), MACHINE_RULES)
    assert {f.rule.id for f in found if f.outcome.severity is Severity.CRITICAL and f.outcome.answer is Answer.TRUE} == set()


def test_an_unknown_answer_keeps_the_reason() -> None:
    outcome = outcome_of("SNP-001", a_vm(snapshots=UNKNOWN))
    assert outcome.evidence[0].raw == {"unknown": "not read"}


def unreadable(facts: Any) -> list[str]:
    return [field.name for field in fields(facts) if "Unknown" in str(field.type)]


def one_fact_less(facts: Any) -> Iterator[Any]:
    """The same facts with one of them unread at a time: each of the machine's own, each of the first of its parts."""
    yield from (replace(facts, **{name: UNKNOWN}) for name in unreadable(facts))
    for field in fields(facts):
        value = getattr(facts, field.name)
        if isinstance(value, tuple) and value and isinstance(value[0], Struct):
            yield from (replace(facts, **{field.name: (part, *value[1:])}) for part in one_fact_less(value[0]))
        elif isinstance(value, AllocationFacts):
            yield from (replace(facts, **{field.name: part}) for part in one_fact_less(value))


def test_no_single_unread_fact_turns_the_answer_of_a_case_round() -> None:
    turned = set()
    for rule_id, machine, around in MACHINES:
        context = a_context(**around)
        before = answer_of(rule_id, machine, context)
        if before is not Answer.UNKNOWN:
            answers = {answer_of(rule_id, less, context) for less in one_fact_less(machine)} - {Answer.UNKNOWN, before}
            turned |= {(rule_id, before, answer) for answer in answers}
    assert turned == set()


@st.composite
def less_known(draw: st.DrawFn, facts: Any) -> Any:
    """The same facts with some of them unread, the machine's own and those of its parts."""
    changes: dict[str, Any] = {}
    gone = draw(st.sets(st.sampled_from(unreadable(facts) or [""]), max_size=6))
    for field in fields(facts):
        value = getattr(facts, field.name)
        if field.name in gone:
            changes[field.name] = UNKNOWN
        elif isinstance(value, tuple) and value and isinstance(value[0], Struct):
            changes[field.name] = (draw(less_known(value[0])), *value[1:])
        elif isinstance(value, AllocationFacts):
            changes[field.name] = draw(less_known(value))
    return replace(facts, **changes)


@settings(deadline=None, max_examples=100)
@given(data=st.data(), base=st.sampled_from(MACHINES))
def test_unread_facts_open_questions_and_turn_no_answer_round(data: st.DataObject, base: tuple[str, VmFacts, dict]) -> None:
    machine, context = base[1], a_context(**base[2])
    before = {found.rule.id: found.outcome.answer for found in findings_of(machine, context, MACHINE_RULES)}
    after = findings_of(data.draw(less_known(machine)), context, MACHINE_RULES)
    answers = {found.rule.id: found.outcome.answer for found in after}
    known_now = {asked.id: answers.get(asked.id, Answer.FALSE) for asked in MACHINE_RULES}
    turned = {key for key, answer in known_now.items() if answer not in {Answer.UNKNOWN, before.get(key, Answer.FALSE)}}
    assert turned == set()
    assert json.dumps([[dict(f.outcome.params), [e.raw for e in f.outcome.evidence]] for f in after])
