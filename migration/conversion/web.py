"""The page of conversions: what moves, how far it is, what was proven. Refreshes its table by itself; only asks selectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import path

from migration.conversion import selectors
from migration.conversion.core.itinerary import title_of
from migration.conversion.core.states import ACTIVE, State
from migration.conversion.models import Conversion
from project.web.pages import ProjectPage

_TONES = {State.DONE: "good", State.FAILED: "bad", State.CANCELLED: "unknown", State.ROLLED_BACK: "caution", State.READY: "good"}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `percent` is of all disks together."""

    row: Conversion
    label: str
    tone: str
    step: str
    percent: int
    verified: int
    disks: int


def _line(row: Conversion) -> Line:
    disks = list(row.disks.all())
    total = sum(disk.bytes_total for disk in disks)
    copied = sum(disk.bytes_copied for disk in disks)
    tone = _TONES.get(State(row.state), "busy" if State(row.state) in ACTIVE else "unknown")
    percent = copied * 100 // total if total else 0
    return Line(
        row, row.state.replace("_", " "), tone, title_of(row.step), percent, sum(disk.verified for disk in disks), len(disks)
    )


class ConversionsPage(ProjectPage):
    """All conversions of a project; asked for by htmx, it answers with the table alone."""

    page = "conversions"

    def get_template_names(self) -> list[str]:
        part = "table" if self.request.headers.get("HX-Request") else "page"
        return [f"conversion/{part}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        lines = [_line(row) for row in selectors.conversions_of_project(self.project.pk)]
        active = any(State(line.row.state) in ACTIVE or line.row.state == State.PLANNED for line in lines)
        return super().get_context_data(lines=lines, active=active, **kwargs)


PAGES = [path("conversions", ConversionsPage.as_view(), name="project-conversions")]
