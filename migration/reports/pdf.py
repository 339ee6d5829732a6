"""The printed form of a report, by Typst from its Python wheel. Text reaches Typst as data, never as markup.

The only module that may import typst. Layout is in templates/reports/report.typ.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import typst

from migration.reports.core.document import Document

TEMPLATE = Path(__file__).parent / "templates" / "reports" / "report.typ"


class ReportNotSet(Exception):
    """Typst refused the document: a fault of ours, not of the customer's data. The message is Typst's own."""


def render(document: Document) -> bytes:
    """The PDF of a document. Raises ReportNotSet."""
    with tempfile.TemporaryDirectory(prefix="xenbound-report-") as folder:
        root = Path(folder)
        (root / "report.typ").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
        (root / "data.json").write_text(json.dumps(asdict(document)), encoding="utf-8")
        try:
            return typst.compile(root / "report.typ", root=root, ignore_system_fonts=False)
        except typst.TypstError as error:
            raise ReportNotSet(str(error)) from error
