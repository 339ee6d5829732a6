"""The page on which a signed document is handed in for a gate's answer: apart from the home, which refreshes itself."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.shortcuts import resolve_url

from migration.cutover.selectors import code_of, latest_decision
from migration.cutover.services import documents
from migration.planning import selectors as planning
from project.backbone.accounts.policy import Role
from project.backbone.attachments import LARGEST_BYTES
from project.backbone.problems import Invalid
from project.web.pages import ProjectForm, ProjectPage, permitted

FIELDS = ("signatory", "organisation", "signed_on", "answer_code")


class DocumentPage(ProjectPage):
    """What has to be signed, and the form for what was signed."""

    page = "home"
    template_name = "cutover/document.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wave = planning.wave(self.project.pk, kwargs["wave_id"])
        row = latest_decision(wave.pk)
        may_record = permitted(self.actor.require, self.project, Role.OPERATOR)
        return super().get_context_data(wave=wave, answer=row, code=code_of(row) if row else "", may_record=may_record, **kwargs)


class DocumentForm(ProjectForm):
    """Takes the document in."""

    back = "wave-document"

    def act(self, **kwargs: Any) -> str:
        file, given = self.request.FILES.get("file"), self.request.POST
        if file is None or not file.size:
            raise Invalid("No file was sent.", next_step="Choose the document that was signed.")
        if file.size > LARGEST_BYTES:
            raise Invalid(f"The file is larger than {LARGEST_BYTES >> 20} MiB.", next_step="Hand in the signed pages alone.")
        signatory, organisation, day, code = (given.get(name, "") for name in FIELDS)
        paper = documents.SignedPaper(signatory, organisation, _day(day), code)
        row = documents.sign_by_document(
            self.project, wave_id=kwargs["wave_id"], paper=paper, name=file.name or "", content=file.read(), actor=self.actor
        )
        return f"Recorded: signed by {row.signed_by_name}. The wave may cut over while this answer is the newest and fresh."

    def back_url(self, **kwargs: Any) -> str:
        return resolve_url(self.back, self.project.pk, kwargs["wave_id"])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text[:40]!r} is no day.", next_step="Write it as 2026-11-30.") from None
