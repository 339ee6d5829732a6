"""Job kinds of reports."""

from __future__ import annotations

from typing import Any

from migration.reports.work import rendering
from project.backbone.jobs.context import JobContext
from project.backbone.jobs.handlers import handler


@handler("reports.render", title="Render a report")
def render(job: JobContext, report_id: str) -> dict[str, Any]:
    return rendering.render(job, report_id)
