"""The page form of a report: one self-contained HTML file. Pictures are embedded as images, so nothing in an SVG can run.

Layout is in templates/reports/report.html; Django's templates escape every text.
"""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

from django.template.loader import render_to_string

from migration.reports.core.document import Block, Document, Picture


def render(document: Document) -> str:
    """The HTML of a document."""
    tree = asdict(document)
    tree["blocks"] = [_block(block) for block in document.blocks]
    return render_to_string("reports/report.html", {"doc": tree})


def _block(block: Block) -> dict[str, Any]:
    fields = asdict(block)
    if isinstance(block, Picture):
        fields["source"] = "data:image/svg+xml;base64," + base64.b64encode(block.svg.encode()).decode()
    return fields
