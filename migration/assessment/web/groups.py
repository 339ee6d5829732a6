"""Machines that belong together, drawn; and those that are made from a gold image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from migration.assessment import selectors
from migration.assessment.core.group_drawing import WORDS, DrawnTie, drawn
from migration.assessment.core.routing import Runbook
from migration.assessment.selectors import GroupView, Member
from migration.inventory import selectors as inventory
from project.web.pages import ProjectPage

DRAWN_MOST = 30
GROUPS_SHOWN = 50
CLONES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class GroupLine:
    """`drawing` is empty for a group too large to be read as a picture."""

    group: GroupView
    kinds: tuple[str, ...]
    drawing: str


class GroupsPage(ProjectPage):
    """The groups, the largest first, and the machines that go the gold image's way."""

    page = "inventory"
    extra_context = {"estate_page": "groups"}
    template_name = "assessment/groups.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        groups = selectors.groups(self.project)
        routes = selectors.routes(self.project)
        cloned = [machine for machine, route in routes.items() if route.runbook == Runbook.GOLD_IMAGE]
        names = dict(inventory.machines(self.project).values_list("id", "name"))
        clones = sorted((names[each], selectors.route_words(routes[each])) for each in cloned if each in names)
        return super().get_context_data(
            lines=[_line(group) for group in groups[:GROUPS_SHOWN]],
            groups_number=len(groups),
            untied=selectors.untied(self.project),
            clones=clones[:CLONES_SHOWN],
            clones_number=len(clones),
            open_routes=len(routes) - len(cloned),
            clone_risk=selectors.CLONE_RISK,
            **kwargs,
        )


def _line(group: GroupView) -> GroupLine:
    small = len(group.machines) <= DRAWN_MOST and len(group.ties) <= DRAWN_MOST
    ties = [DrawnTie(tie.kind, tie.what, tie.machines) for tie in group.ties]
    kinds = tuple(WORDS.get(kind, kind) for kind in group.kinds)
    return GroupLine(group, kinds, drawn(_names(group.machines), ties) if small else "")


def _names(members: tuple[Member, ...]) -> dict[UUID, str]:
    return {member.id: member.name for member in members}
