"""The readiness report says what is missing as loudly as what is there, in both of its forms."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migration.reports import html, pdf
from migration.reports.core.document import Document, Table, Tone, Verdict
from migration.reports.core.readiness_report import CheckLine, GateLine, MachineLine, PoolView, ReportView, build
from migration.reports.services.gather import _boot_note

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><title>pool</title><rect width="9" height="9"/></svg>'
HOSTILE = '<script>alert(1)</script> #image("/etc/passwd") $x$ *b* [l](u)'


def a_view(**changes: object) -> ReportView:
    fields: dict[str, object] = {
        "customer": "ACME", "project": "Move", "policy_profile": "xenserver-8", "gate_profile": "field",
        "target_product": "xenserver-8.4", "made_at": NOW, "made_by": "op", "inventory": (("Hosts", "4"),), "inventory_at": NOW,
        "machines": (), "pools": (), "gates": (), "conversions": (), "kms": None, "waivers": (),
    }  # fmt: skip
    return ReportView(**{**fields, **changes})  # type: ignore[arg-type]


def a_pool_view() -> PoolView:
    checks = (
        CheckLine("HA-001", "Enough hosts?", "pass", False, "3 hosts", "add a host"),
        CheckLine("HA-022", "Timeout as tuned?", "unknown", True, "T is 60", "tune it"),
    )
    return PoolView("pool01", "not_ready", NOW, NOW, "60 s", checks, (), SVG, ())


def verdicts(document: Document) -> list[Verdict]:
    return [block for block in document.blocks if isinstance(block, Verdict)]


def test_an_empty_project_is_reported_as_unknown_not_as_ready() -> None:
    tones = {verdict.tone for verdict in verdicts(build(a_view()))}
    assert tones == {Tone.UNKNOWN}


def test_a_check_that_blocks_says_so_and_a_passed_one_gives_no_advice() -> None:
    document = build(a_view(pools=(a_pool_view(),)))
    table = next(block for block in document.blocks if isinstance(block, Table) and block.columns[0] == "Check")
    passed, unknown = table.rows
    assert (passed[1].text, passed[1].tone, passed[4].text) == ("pass", Tone.GOOD, "")
    assert (unknown[1].text, unknown[1].tone, unknown[4].text) == ("unknown · blocks", Tone.UNKNOWN, "tune it")


def test_hostile_names_stay_text_in_html_and_pdf() -> None:
    document = build(a_view(machines=(MachineLine(HOSTILE, "blocked", HOSTILE),), pools=(a_pool_view(),)))
    page = html.render(document)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert pdf.render(document).startswith(b"%PDF-")


def test_the_gate_line_shows_time_answer_and_signature() -> None:
    gates = (GateLine(NOW, "before_copy", "open", "Ada", ""),)
    page = html.render(build(a_view(gates=gates)))
    assert "2026-11-22 12:00 UTC" in page
    assert "before copy" in page
    assert "Ada" in page


@pytest.mark.parametrize(
    ("proof", "told"),
    [
        ({"source_off": True}, "runs in the pool"),
        ({"source_off": None}, "runs in the pool; whether its source is off could not be read"),
        ({"unprotected_because": "no plan", "source_off": True}, "runs in the pool; HA does not protect it: no plan"),
        (None, ""),
    ],
)
def test_what_could_not_be_read_of_a_moved_machine_is_said(proof: dict[str, object] | None, told: str) -> None:
    assert _boot_note(proof) == told
