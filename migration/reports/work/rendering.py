"""Renders a report: gather, build the tree, set it as HTML and PDF, keep all three. Touches nothing outside."""

from __future__ import annotations

from typing import Any

from migration.reports import html, pdf
from migration.reports.core.readiness_report import build
from migration.reports.models import Report
from migration.reports.services import gather, requests
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext


def render(job: JobContext, report_id: str) -> dict[str, Any]:
    """Fill the report of this id; a report that is filled already stays as it is."""
    report = Report.objects.select_related("project__customer").get(pk=report_id)
    if report.made_at is None:
        document = build(gather.readiness_view(report.project, at=now(), made_by=report.asked_by_name))
        job.say("Setting the pages")
        requests.keep(report, document=document, html=html.render(document), pdf=pdf.render(document), actor=job.actor)
    return {"report_id": report_id}
