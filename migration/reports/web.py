"""The page of reports: ask for one, see which are being made, open the forms of those that are. Only asks selectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import path

from migration.reports import selectors
from migration.reports.models import ReportKind
from migration.reports.services import requests
from project.backbone.clock import now
from project.backbone.jobs.selectors import visible_jobs
from project.backbone.jobs.states import UNFINISHED
from project.backbone.models import Job
from project.backbone.problems import Invalid
from project.web.pages import LivePage, ProjectForm

SHOWN_MOST = 100


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One report. `tone` is good (made), busy (being made) or bad (its job failed or was cancelled)."""

    id: UUID
    kind: str
    asked_at: datetime
    asked_by: str
    made_at: datetime | None
    tone: str
    word: str
    message: str = ""
    next_step: str = ""
    has_xlsx: bool = False


class ReportsPage(LivePage):
    """The newest reports of a project."""

    page = "reports"
    template_name = "reports/reports.html"
    part_template = "reports/reports_live.html"

    def live(self) -> tuple[ReportLine, ...]:
        rows = list(selectors.reports_of_project(self.project.pk)[:SHOWN_MOST])
        jobs = visible_jobs(self.actor).filter(project=self.project, kind="reports.render")
        by_report = {job.params.get("report_id"): job for job in jobs[: 2 * SHOWN_MOST]}
        return tuple(_line(row, by_report.get(str(row.pk))) for row in rows)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(kinds=ReportKind.choices, most=SHOWN_MOST, **kwargs)
        return {**context, "busy": any(line.tone == "busy" for line in context["live"])}


def _line(row: Any, job: Job | None) -> ReportLine:
    told = (row.pk, row.get_kind_display(), row.created_at, row.asked_by_name, row.made_at)
    if row.made_at is not None:
        return ReportLine(*told, "good", "made", has_xlsx=row.has_xlsx)
    if job is None or job.state in UNFINISHED:
        return ReportLine(*told, "busy", "being made")
    error = job.error or {}
    return ReportLine(*told, "bad", job.state, str(error.get("message", "")), str(error.get("next_step", "Ask for it again.")))


class AskReportForm(ProjectForm):
    """Ask for a report of the kind given."""

    back = "project-reports"

    def act(self, **kwargs: Any) -> str:
        kind = self.request.POST.get("kind", "")
        if kind not in ReportKind.values:
            raise Invalid("There is no such kind of report.", next_step=f"Choose one of {', '.join(ReportKind.values)}.")
        requests.request(self.project, kind=ReportKind(kind), actor=self.actor)
        return f"The {ReportKind(kind).label} report is being made, as of {now():%H:%M} UTC."


PAGES = [
    path("reports", ReportsPage.as_view(), name="project-reports"),
    path("reports/ask", AskReportForm.as_view(), name="report-ask-form"),
]
