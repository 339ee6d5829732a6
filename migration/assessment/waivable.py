"""What the assessment lets people waive: each of its rules, on one machine or on anything else a finding is about."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from migration.assessment import selectors
from migration.inventory import selectors as inventory
from project.backbone.models import Project
from project.backbone.waivers.catalogue import Kind, Terms, Waivable


def _terms(project: Project) -> Mapping[str, Terms]:
    return dict.fromkeys(selectors.rules_of(project), Terms())


def _is_subject(project: Project, subject: str) -> bool:
    """Whether it is a machine of the project or something its findings are about, in the spelling findings carry."""
    return _is_machine(project, subject) or selectors.latest_findings(project).filter(subject=subject).exists()


def _is_machine(project: Project, subject: str) -> bool:
    try:
        machine_id = UUID(subject)
    except ValueError:
        return False
    return str(machine_id) == subject and inventory.machines(project).filter(pk=machine_id).exists()


RULES = Waivable(
    Kind.RULE, _terms, "id of a machine of this project or another subject, as its findings give it under subject", _is_subject
)

CLONES = Waivable(
    Kind.CHECK,
    lambda project: {selectors.CLONE_RISK: Terms()},
    "id of a machine of this project that is made from a gold image",
    _is_machine,
)
