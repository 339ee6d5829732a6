"""The assessment report from plain facts: verdicts, what is seen so far, open questions told once, and nothing hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from estate.facts.source import DiskBacking, SourceAbout, SourceFact
from estate.facts.unknown import Unknown
from migration.assessment.core.estate_index import estate_of
from migration.assessment.core.registry import RULES
from migration.reports.core.assessed_facts import Assessed, assess_facts, figures_of, source_of_workbook
from migration.reports.core.assessment_report import AssessmentView, MachineLine, RuleLine, build
from migration.reports.core.document import Document, PageBreak, Picture, Table, Verdict
from tests.builders.assessment import a_context
from tests.builders.estate import GIB, SEEN_AT, a_disk, a_vm

ABOUT = SourceAbout("VMware vCenter Server 8.0", "8.0", "1", "vc-1", True, taken_at=SEEN_AT)
NO_SHEET = Unknown("the workbook has no sheet vSnapshot", everywhere=True)
FEW = ("DSK-004", "SNP-001", "FTL-001")


def assessed(*facts: SourceFact) -> Assessed:
    context = replace(a_context(), estate=estate_of(own=facts, project_vms=[]))
    rules = [RULES[rule_id] for rule_id in FEW]
    return assess_facts(facts, source_of_workbook("estate.xlsx", ABOUT, SEEN_AT), context, rules)


def a_line(**changes: Any) -> MachineLine:
    return replace(MachineLine("app-01", "ready", "ready", (), ()), **changes)


def a_view(**changes: Any) -> AssessmentView:
    view = AssessmentView(
        customer="ACME", project="estate.xlsx", made_at=SEEN_AT, made_by="me", target_product="xenserver-8.4",
        source="estate.xlsx", taken_at=SEEN_AT, tables="2026-11", figures=(), machines=(), rules=(),
    )  # fmt: skip
    return replace(view, **changes)


def tables(document: Document) -> list[Table]:
    return [block for block in document.blocks if isinstance(block, Table)]


def headline(document: Document) -> Verdict:
    return next(block for block in document.blocks if isinstance(block, Verdict))


def test_a_machine_with_an_open_critical_question_is_not_ready_but_shows_what_is_seen() -> None:
    machine = assessed(a_vm("app-01", ft_state=Unknown("not told"))).machines[0]
    assert (machine.verdict, machine.so_far, machine.open_rules) == ("unknown", "ready", ("FTL-001",))


def test_a_blocked_machine_names_its_rule() -> None:
    machine = assessed(a_vm("db-01", disks=(a_disk(backing=DiskBacking.RDM_PHYSICAL),))).machines[0]
    assert (machine.verdict, machine.so_far) == ("blocked", "blocked")
    assert [rule_id for rule_id, _ in machine.findings] == ["DSK-004"]


def test_what_the_source_lacks_for_all_is_told_once_and_still_counts() -> None:
    told = assessed(a_vm("a", snapshots=NO_SHEET), a_vm("b", snapshots=NO_SHEET))
    (rule,) = told.rules
    assert (rule.rule_id, rule.everywhere, rule.unknown_on) == ("SNP-001", NO_SHEET.reason, ())
    assert [machine.verdict for machine in told.machines] == ["unknown", "unknown"]
    assert [machine.open_rules for machine in told.machines] == [(), ()]


def test_the_first_page_ends_before_the_appendix_lists_every_machine() -> None:
    lines = tuple(a_line(name=f"vm-{number}") for number in range(30))
    document = build(a_view(machines=lines))
    at = [type(block) for block in document.blocks].index(PageBreak)
    assert any(isinstance(block, Picture) for block in document.blocks[:at])
    appendix = [block for block in document.blocks[at:] if isinstance(block, Table)]
    assert len(appendix[0].rows) == 30


@pytest.mark.parametrize(
    ("machines", "words", "tone"),
    [
        ((), "nothing is known", "unknown"),
        ((a_line(),), "1 of 1 machines can move", "good"),
        ((a_line(), a_line(verdict="unknown")), "1 of 2 machines can move", "unknown"),
        ((a_line(verdict="blocked", so_far="blocked"),), "1 are blocked", "bad"),
    ],
)
def test_the_headline_never_calls_open_or_blocked_machines_movable(
    machines: tuple[MachineLine, ...], words: str, tone: str
) -> None:
    told = headline(build(a_view(machines=machines)))
    assert words in told.text
    assert told.tone == tone


def test_a_rule_true_on_some_machines_stands_on_the_first_page_with_its_number() -> None:
    rule = RuleLine("DSK-004", "critical", "RDM", "why", "do", ("a", "b"), ())
    first = tables(build(a_view(machines=(a_line(),), rules=(rule,))))[0]
    assert [cell.text for cell in first.rows[0]][:3] == ["DSK-004", "critical", "2"]


def test_more_rules_than_fit_are_counted_not_dropped() -> None:
    rules = tuple(RuleLine(f"DSK-{n:03}", "critical", "t", "w", "r", ("a",), ()) for n in range(12))
    first = tables(build(a_view(machines=(a_line(),), rules=rules)))[0]
    assert "and 5 more rules" in first.rows[-1][3].text


def test_sums_with_an_unread_part_are_a_least() -> None:
    figures = dict(figures_of([a_vm("a", memory_bytes=2 * GIB), a_vm("b", memory_bytes=Unknown("not told"))]))
    assert figures["Memory"] == "at least 2.0 GiB"
    assert figures["Virtual machines"] == "2"
