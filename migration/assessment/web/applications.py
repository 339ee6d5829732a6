"""The applications that machines serve: owner, criticality, recovery time, what they need; and the estate workbook."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from migration.assessment.core.application_drawing import DrawnApplication, drawn
from migration.assessment.web.workbooks import WRONG_CELLS
from migration.inventory import selectors as inventory
from migration.inventory.selectors import Application
from migration.inventory.services import applications
from project.backbone.accounts.policy import Role
from project.backbone.problems import Invalid, NotVisible
from project.web.pages import ProjectForm, ProjectPage, permitted

DRAWN_MOST = 60


class ApplicationsPage(ProjectPage):
    """Every application, with a way to add one and to send the estate workbook out and back."""

    page = "inventory"
    extra_context = {"estate_page": "applications"}
    template_name = "assessment/applications.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = list(inventory.applications(self.project).order_by("name"))
        in_cycles = inventory.applications_in_cycles(self.project)
        machines = inventory.machines(self.project)
        return super().get_context_data(
            applications=rows,
            in_cycles=in_cycles,
            drawing=_drawing(rows, inventory.application_layers(self.project), in_cycles),
            drawn_most=DRAWN_MOST,
            unserved=machines.filter(application=None).count(),
            total=machines.count(),
            criticalities=applications.CRITICALITIES,
            may_change=permitted(self.actor.require, self.project, Role.PLANNER),
            wrong_cells=self.request.session.pop(WRONG_CELLS, ()),
            **kwargs,
        )


def _drawing(rows: Sequence[Application], layers: Mapping[UUID, int], in_cycles: Collection[UUID]) -> str:
    """The picture; empty where nothing needs anything, or where there are too many to be read as a picture."""
    needs = {row.pk: [needed.pk for needed in row.depends_on.all()] for row in rows}
    if not any(needs.values()) or len(rows) > DRAWN_MOST:
        return ""
    return drawn(
        {
            row.pk: DrawnApplication(row.name, row.machine_count, layers[row.pk], needs[row.pk], row.pk in in_cycles)  # type: ignore[attr-defined]
            for row in rows
            if row.pk in layers
        }
    )


class AddApplicationForm(ProjectForm):
    """A new application."""

    back = "project-applications"

    def act(self, **kwargs: Any) -> str:
        given = self.request.POST
        row = applications.create_application(
            self.project,
            name=given.get("name", ""),
            owner=given.get("owner", ""),
            criticality=given.get("criticality", ""),
            rto_s=_seconds(given.get("rto_hours", "")),
            actor=self.actor,
        )
        return f"{row.name} is added."


def _seconds(hours: str) -> int | None:
    """Hours as seconds; None where nothing is said. Raises: Invalid."""
    if not hours.strip():
        return None
    try:
        return round(min(float(hours.replace(",", ".")), 1e6) * 3600)
    except ValueError:
        raise Invalid(
            f"{hours[:20]!r} is no number of hours.", next_step="Write the hours after which it must run again."
        ) from None


class DeleteApplicationForm(ProjectForm):
    """An application is gone; its machines then serve none."""

    back = "project-applications"

    def act(self, **kwargs: Any) -> str:
        row = inventory.applications(self.project).filter(pk=kwargs["application_id"]).first()
        if row is None:
            raise NotVisible("application")
        name = row.name
        applications.delete_application(row, actor=self.actor)
        return f"{name} is deleted."
