"""Forms that take filled-in workbooks. What is wrong with cells is shown as a table on the page the form stands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from estate.sheets import SMALL
from migration.assessment.services import filled_estate, question_workbook
from project.backbone.problems import Invalid
from project.web.pages import ProjectForm

WRONG_CELLS = "wrong_cells"
CELLS_SHOWN = 50


class WorkbookForm(ProjectForm):
    """Takes one uploaded file; the cells that are wrong wait in the session for the page to show them once."""

    def taken(self, take: Callable[[Any], Any]) -> Any:
        """What `take` makes of the file. Raises: Invalid."""
        file = self.request.FILES.get("file")
        if file is None or not file.size:
            raise Invalid("No file was sent.", next_step="Choose the workbook that was filled in.")
        if file.size > SMALL.file_bytes:
            raise Invalid(f"The file is larger than {SMALL.file_bytes >> 20} MiB.", next_step="Send only the workbook itself.")
        try:
            return take(file)
        except Invalid as refused:
            self.request.session[WRONG_CELLS] = list(refused.errors or ())[:CELLS_SHOWN]
            raise


class EstateForm(WorkbookForm):
    """The estate workbook."""

    back = "project-applications"

    def act(self, **kwargs: Any) -> str:
        taken = self.taken(lambda file: filled_estate.take(self.project, file, dry_run=False, actor=self.actor))
        return (
            f"{taken.machines_changed} machines and {taken.applications_changed} applications changed, "
            f"{taken.applications_added} applications added."
        )


class AnswersForm(WorkbookForm):
    """The answered questions."""

    back = "project-questions"

    def act(self, **kwargs: Any) -> str:
        statements, subjects = self.taken(
            lambda file: question_workbook.take(self.project, file, dry_run=False, actor=self.actor)
        )
        return f"{statements} statements about {subjects} subjects are recorded; the assessment runs again."
