"""What the assessment lets people waive: each of its rules, on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from migration.assessment.selectors import rules
from migration.inventory import selectors as inventory
from project.backbone.models import Project
from project.backbone.waivers.catalogue import Kind, Terms, Waivable


def _terms(project: Project) -> Mapping[str, Terms]:
    return dict.fromkeys(rules(), Terms())


def _is_machine(project: Project, subject: str) -> bool:
    """Whether it is a machine's id in the spelling that findings carry, which is what a waiver is looked up by."""
    try:
        machine_id = UUID(subject)
    except ValueError:
        return False
    return str(machine_id) == subject and inventory.machines(project).filter(pk=machine_id).exists()


RULES = Waivable(Kind.RULE, _terms, "id of a machine of this project, as its findings give it under subject", _is_machine)
