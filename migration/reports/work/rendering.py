"""Renders a report: gather, build the tree, set it as HTML, PDF and spreadsheet, keep all. Touches nothing outside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from migration.reports import html, pdf, xlsx
from migration.reports.core import kms_report, readiness_report
from migration.reports.core.document import Document
from migration.reports.models import Report, ReportKind
from migration.reports.services import gather, gather_kms, requests
from project.backbone.clock import now
from project.backbone.jobs.context import JobContext


def render(job: JobContext, report_id: str) -> dict[str, Any]:
    """Fill the report of this id; a report that is filled already stays as it is."""
    report = Report.objects.select_related("project__customer").get(pk=report_id)
    if report.made_at is None:
        at = now()
        document = _document(report, at)
        job.say("Setting the pages")
        requests.keep(
            report,
            document=document,
            html=html.render(document),
            pdf=pdf.render(document),
            xlsx=xlsx.render(document, made_at=at),
            actor=job.actor,
        )
    return {"report_id": report_id}


def _document(report: Report, at: datetime) -> Document:
    if report.kind == ReportKind.KMS:
        return kms_report.build(gather_kms.kms_view(report.project, at=at, made_by=report.asked_by_name))
    return readiness_report.build(gather.readiness_view(report.project, at=at, made_by=report.asked_by_name))
