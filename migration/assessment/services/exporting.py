"""Findings as a table for people: one row per finding, with the rule's words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from estate.sheets import Column, SheetToWrite, write_workbook
from migration.assessment import selectors
from migration.assessment.models import Finding
from migration.inventory import selectors as inventory
from project.backbone.clock import now
from project.backbone.models import Project
from project.backbone.waivers.selectors import waivers_in_force

HEADINGS = (
    "Rule",
    "Severity",
    "Result",
    "Kind",
    "Subject",
    "Name",
    "Cluster",
    "Finding",
    "What to do",
    "Evidence",
    "Waived by",
    "Until",
    "Source",
    "Read at (UTC)",
    "Inventory",
)
WIDTHS = {"Name": 28, "Finding": 50, "What to do": 50, "Evidence": 60}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def findings_csv(project: Project, rows: QuerySet[Finding]) -> str:
    """The findings as CSV. What a spreadsheet would take for a formula is quoted, since names come from the source."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    writer.writerows([_safe(cell) for cell in row] for row in finding_rows(project, rows))
    return text.getvalue()


def finding_rows(project: Project, rows: QuerySet[Finding]) -> Iterator[tuple[str, ...]]:
    """The cells of each finding, under HEADINGS."""
    rules = selectors.rules_of(project)
    waivers = {waiver.covers: waiver for waiver in waivers_in_force(project, now())}
    told_by = _origins(project)
    for row in rows.iterator(chunk_size=2000):
        rule, waiver = rules.get(row.rule_id), waivers.get((row.rule_id, row.subject))
        yield (
            row.rule_id,
            row.severity,
            row.result,
            row.subject_kind,
            row.subject,
            row.subject_name,
            row.cluster,
            rule.title if rule else "",
            rule.remediation if rule else "",
            "; ".join(map(_evidence, row.evidence)),
            waiver.approved_by if waiver else "",
            f"{waiver.expires_at:%Y-%m-%d}" if waiver else "",
            *told_by.get(row.assessment.inventory_id, ("", "", "")),
        )


def _origins(project: Project) -> dict[UUID, tuple[str, str, str]]:
    """By newest inventory: its source, when its facts were true, and its id."""
    latest = inventory.latest_inventories(project)
    return {each.id: (str(each.source), f"{inventory.true_at(each):%Y-%m-%d %H:%M}", str(each.id)) for each in latest}


def _evidence(each: Mapping[str, Any]) -> str:
    """What was read; who told it and when where that is another source than the finding's."""
    said = f"{each['path']} = {each['raw']}"
    return f"{said} ({each['told_by']}, {each['at']})" if each.get("told_by") else said


def findings_xlsx(project: Project, rows: QuerySet[Finding]) -> bytes:
    """The findings as a workbook; no text in it runs as a formula."""
    columns = [Column(heading, WIDTHS.get(heading, 14), wrap=heading in WIDTHS) for heading in HEADINGS]
    return write_workbook([SheetToWrite("Findings", columns, finding_rows(project, rows))], made_at=now())


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
