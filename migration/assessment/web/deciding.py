"""What shall become of the machines that were chosen in the table, said for all of them at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.http import urlencode

from migration.assessment.web.machines import Filter
from migration.inventory.services import machines
from project.backbone.problems import Invalid
from project.web.pages import ProjectForm

NONE = "none"
"""The choice that says: these machines serve no application."""


class DecideForm(ProjectForm):
    """The same disposition, application, or both, for every chosen machine; all or none. What is left open stays as it is."""

    back = "project-inventory"

    def act(self, **kwargs: Any) -> str:
        chosen = [_id(value, "machine") for value in self.request.POST.getlist("machine")]
        if not chosen:
            raise Invalid("No machine is chosen.", next_step="Tick the machines in the table first.")
        changed = machines.change_machines(self.project, chosen, actor=self.actor, **self._changes())
        return f"{changed} of {len(set(chosen))} chosen machines changed."

    def _changes(self) -> dict[str, Any]:
        disposition, application = (self.request.POST.get(field, "") for field in ("disposition", "application"))
        changes: dict[str, Any] = {"disposition": disposition} if disposition else {}
        if application:
            changes["application_id"] = None if application == NONE else _id(application, "application")
        if not changes:
            raise Invalid("Nothing is said about the machines.", next_step="Choose a disposition, an application, or both.")
        return changes

    def back_url(self, **kwargs: Any) -> str:
        """The table as it was narrowed, on the same page."""
        page = self.request.POST.get("page", "")
        parts = [Filter.of(self.request.POST).query, urlencode({"page": page}) if page.isdecimal() else ""]
        query = "&".join(filter(None, parts))
        return super().back_url(**kwargs) + (f"?{query}" if query else "")


def _id(value: str, what: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise Invalid(f"{value[:50]!r} is the id of no {what}.", next_step="Load the page again and choose there.") from None
