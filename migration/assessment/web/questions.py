"""The questions that wait for a person: which machine a VM is, and rules no source answers. Forms call the API's services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from migration.assessment import selectors
from migration.assessment.services import attesting
from migration.assessment.web.workbooks import WRONG_CELLS
from migration.inventory import selectors as inventory
from migration.inventory.selectors import Resemblance
from migration.inventory.services import identity
from project.backbone.accounts.policy import Role
from project.backbone.problems import Invalid, NotVisible
from project.web.pages import ProjectForm, ProjectPage, permitted

IDENTITIES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class IdentityLine:
    """One open question of identity: the VM as `source` shows it, and the machines it may be."""

    id: UUID
    source: str
    here: Resemblance
    candidates: tuple[Resemblance, ...]


class QuestionsPage(ProjectPage):
    """Open questions, those of identity first: they decide what the others are asked of."""

    page = "inventory"
    extra_context = {"estate_page": "questions"}
    template_name = "assessment/questions.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        waiting = inventory.identity_questions(self.project).filter(answered_at=None)
        rows = list(waiting[:IDENTITIES_SHOWN])
        machines = inventory.resemblances(self.project, rows)
        return super().get_context_data(
            identities=[
                IdentityLine(
                    row.id,
                    str(row.source),
                    machines[row.machine_id],
                    tuple(machines[UUID(each)] for each in row.candidates if UUID(each) in machines),
                )
                for row in rows
            ],
            identities_waiting=inventory.identities_waiting(self.project),
            questions=selectors.questions_by_rule(self.project),
            may_attest=permitted(self.actor.require, self.project, Role.OPERATOR),
            wrong_cells=self.request.session.pop(WRONG_CELLS, ()),
            may_decide=permitted(self.actor.require, self.project, Role.PLANNER),
            **kwargs,
        )


class AttestForm(ProjectForm):
    """One answer for every subject on which a rule is open."""

    back = "project-questions"

    def act(self, **kwargs: Any) -> str:
        given = self.request.POST
        if given.get("answer") not in {"true", "false"} or not given.get("who", "").strip():
            raise Invalid("Say whether the concern is there, and whose word it is.", next_step="Fill in both fields.")
        row = attesting.attest(
            self.project,
            rule_id=given.get("rule_id", "")[:32],
            answer=given["answer"] == "true",
            who=given["who"][:200],
            note=given.get("note", "")[:2000],
            all=True,
            actor=self.actor,
        )
        return f"{row.rule_id} is answered for {len(row.subjects)} subjects; the assessment runs again."


class IdentityForm(ProjectForm):
    """Which machine a VM is."""

    back = "project-questions"

    def act(self, **kwargs: Any) -> str:
        question = inventory.identity_questions(self.project).filter(pk=kwargs["question_id"]).first()
        if question is None:
            raise NotVisible("question")
        row = identity.answer(question, same_as=_machine(self.request.POST.get("machine", "")), actor=self.actor)
        told = "joined to that machine" if row.answer == "same" else "a machine of its own"
        return f"{row.machine.name} is {told}; the assessment runs again."


def _machine(said: str) -> UUID | None:
    """None for a machine of its own. Raises: Invalid."""
    if said == "own":
        return None
    try:
        return UUID(said)
    except ValueError:
        raise Invalid("Say which machine it is.", next_step="Choose one of the machines shown, or that it is its own.") from None
