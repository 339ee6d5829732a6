"""Reads of reports, always within one project."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from migration.reports.models import Report


def reports_of_project(project_id: UUID) -> QuerySet[Report]:
    """All reports of a project without their rendered bodies, newest first; `has_xlsx` says whether there is a spreadsheet."""
    return (
        Report.objects.filter(project_id=project_id)
        .annotate(has_xlsx=Q(xlsx__isnull=False))
        .defer("document", "html", "pdf", "xlsx")
    )


def report(project_id: UUID, report_id: UUID | str) -> Report | None:
    """One report with its bodies."""
    return Report.objects.filter(project_id=project_id, pk=report_id).first()


def made_at(project_id: UUID) -> list[datetime]:
    """When each report of a project was asked for: it tells what was known then."""
    return list(Report.objects.filter(project_id=project_id).values_list("created_at", flat=True))
