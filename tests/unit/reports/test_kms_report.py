"""The KMS report says what is unknown, draws the chart with its table, and hostile names stay text in all three forms."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from migration.reports import html, pdf, xlsx
from migration.reports.core.document import Document, Heading, Picture, Table, Tone, Verdict, row
from migration.reports.core.kms_report import ClientLine, DayLine, HostView, KmsReportView, ReasonLine, WaveLine, build

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><title>count</title><rect width="9" height="9"/></svg>'
HOSTILE = '=cmd|"/c calc"!A1 <script>alert(1)</script> #image("/etc/passwd")'


def a_host(**changes: Any) -> HostView:
    fields: dict[str, Any] = {
        "name": "KMS01", "computer": "KMS01", "collected_at": NOW, "count": "9", "cap": "10", "quality": "exact",
        "servers": "yes",
        "workstations": "no", "notes": (), "drawing_svg": SVG, "drawing_says": "Last observed 9",
        "days": (DayLine("2026-11-22", "9", "9", "9", "wave 1"),), "events": ("day 37: the count falls",),
        "clients": (ClientLine("app01", "0d9f3c62-5a41-4f0e-9b1c-3f6c2f1d7a10", "5", "2026-11-20 10:00", "yes", "2026-12-20"),),
    }  # fmt: skip
    return HostView(**(fields | changes))


def a_view(**changes: Any) -> KmsReportView:
    fields: dict[str, Any] = {
        "customer": "ACME", "project": "Move", "made_at": NOW, "made_by": "op", "state": "low", "detail": "KMS01 falls to 4",
        "remedy": "add clients", "reasons": (ReasonLine("kms_low", "KMS01", "falls to 4", "add clients"),), "hosts": (a_host(),),
        "waves": (WaveLine("wave 1", "unknown", "", "no reading"),), "duplicates": (),
        "network": (("kms01:1688", "alarm", "closed", "open it"),),
    }  # fmt: skip
    return KmsReportView(**(fields | changes))


def read(document: Document) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx.render(document, made_at=NOW)))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_the_verdict_stands_first_with_its_next_step_and_the_chart_has_its_table() -> None:
    blocks = build(a_view()).blocks
    verdict = next(block for block in blocks if isinstance(block, Verdict))
    assert (verdict.text, verdict.tone) == ("Low: KMS01 falls to 4", Tone.BAD)
    picture = next(number for number, block in enumerate(blocks) if isinstance(block, Picture))
    heading, table = blocks[picture + 1], blocks[picture + 2]
    assert isinstance(heading, Heading) and isinstance(table, Table)
    assert [cell.text for cell in table.rows[0]] == ["2026-11-22", "9", "9", "9", "wave 1"]


def test_a_site_without_hosts_is_unknown_and_says_so() -> None:
    page = html.render(build(a_view(state="unknown", detail="No KMS host is known.", hosts=(), waves=(), reasons=())))
    assert 'class="verdict unknown"' in page and "Unknown: No KMS host is known." in page and "No wave has been planned." in page


def test_hostile_names_stay_text_in_page_print_and_spreadsheet() -> None:
    document = build(a_view(hosts=(a_host(name=HOSTILE, events=(HOSTILE,)),), waves=(WaveLine(HOSTILE, "ok", "5", HOSTILE),)))
    assert "<script>" not in html.render(document)
    assert pdf.render(document).startswith(b"%PDF-")
    assert read(document)["Waves"][1][0] == HOSTILE


def test_the_spreadsheet_holds_every_table_on_a_sheet_and_numbers_as_numbers() -> None:
    sheets = read(build(a_view()))
    assert next(iter(sheets)) == "Report"
    assert sheets["Count of KMS01 by day"][1] == ["2026-11-22", 9, 9, 9, "wave 1"]
    assert sheets["Clients of KMS01"][1][:3] == ["app01", "0d9f3c62-5a41-4f0e-9b1c-3f6c2f1d7a10", 5]
    assert ["verdict", "bad", "Low: KMS01 falls to 4"] in sheets["Report"]
    assert ["table", "", "None was seen."] in sheets["Report"]


def test_the_same_document_gives_the_same_spreadsheet() -> None:
    assert xlsx.render(build(a_view()), made_at=NOW) == xlsx.render(build(a_view()), made_at=NOW)


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=12))
def test_whatever_headings_there_are_each_table_finds_a_sheet(headings: list[str]) -> None:
    table = Table(("A",), (row("007"), row("12")), (1,))
    document = Document("T", "C", "P", "now", "me", tuple(block for text in headings for block in (Heading(text), table)))
    sheets = list(read(document).items())
    assert len(sheets) == len(headings) + 1
    assert all(rows == [["A"], ["007"], [12]] for _, rows in sheets[1:])
