"""What the newest assessments saw between machines: groups that belong together, and who is made from a gold image."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from uuid import UUID

from migration.assessment.core.routing import CLONE_RISK as CLONE_RISK
from migration.assessment.core.routing import Marks, Runbook, marks_from
from migration.assessment.models import MachineGroup, MachineRoute
from migration.assessment.selectors.findings import latest_assessments
from migration.assessment.selectors.machines_assessed import assessed_ids
from migration.inventory import selectors as inventory
from project.backbone.models import Project

MARKS_FILE = "data/gold-images-2026-11.toml"
UNKNOWN_ROUTE = "unknown"


@cache
def marks() -> Marks:
    """The signs of a gold image from the newest data file."""
    return marks_from(tomllib.loads(files("migration.assessment").joinpath(MARKS_FILE).read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Member:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class TieView:
    """One thing that these members have in common; kinds as in core.groups."""

    kind: str
    what: str
    machines: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class GroupView:
    id: UUID
    source_name: str
    kinds: tuple[str, ...]
    machines: tuple[Member, ...]
    ties: tuple[TieView, ...]


@dataclass(frozen=True, slots=True)
class RouteView:
    """`runbook` is `conversion`, `gold_image` or `unknown`; `reasons` are (tool, path, why) that say so or keep it open."""

    runbook: str
    reasons: tuple[tuple[str, str, str], ...] = ()


CONVERTED = RouteView(Runbook.CONVERSION.value)
NOT_ASSESSED = RouteView(UNKNOWN_ROUTE, (("", "", "The machine was not assessed yet."),))


def groups(project: Project) -> list[GroupView]:
    """Machines that belong together, source by source, the largest groups first. Four queries."""
    names = dict(inventory.machines(project).values_list("id", "name"))
    sources = {source.latest_id: str(source) for source in inventory.sources(project)}
    rows = MachineGroup.objects.filter(assessment__in=latest_assessments(project)).select_related("assessment")
    found = [_group(row, sources.get(row.assessment.inventory_id, ""), names) for row in rows]
    return sorted((group for group in found if len(group.machines) > 1), key=lambda g: (-len(g.machines), g.machines[0].name))


def _group(row: MachineGroup, source_name: str, names: dict[UUID, str]) -> GroupView:
    """Members that were joined to others since are left out; the next assessment names who they are now."""
    members = [Member(UUID(each), names[UUID(each)]) for each in row.machine_ids if UUID(each) in names]
    ties = (TieView(tie["kind"], tie["what"], tuple(map(UUID, tie["machines"]))) for tie in row.ties)
    return GroupView(row.id, source_name, tuple(row.kinds), tuple(members), tuple(ties))


def untied(project: Project) -> int:
    """How many machines may be tied to others without anybody knowing."""
    return sum(latest_assessments(project).values_list("untied", flat=True))


def routes(project: Project) -> dict[UUID, RouteView]:
    """The way of every machine that is not plainly converted. Two queries."""
    found: dict[UUID, RouteView] = {}
    rows = MachineRoute.objects.filter(assessment__in=latest_assessments(project))
    for runbook, reasons, machines in rows.values_list("runbook", "reasons", "machine_ids"):
        view = RouteView(runbook, tuple((each["tool"], each["path"], each["why"]) for each in reasons))
        found |= dict.fromkeys(map(UUID, machines), view)
    return found


def mates(project: Project) -> dict[UUID, dict[str, str]]:
    """Every grouped machine to the members of its group, itself among them, id to name: one mapping shared by all of a group."""
    found: dict[UUID, dict[str, str]] = {}
    for group in groups(project):
        members = {str(member.id): member.name for member in group.machines}
        found |= dict.fromkeys((member.id for member in group.machines), members)
    return found


def group_of(project: Project, machine_id: UUID) -> GroupView | None:
    """The group of one machine."""
    return next((group for group in groups(project) if any(member.id == machine_id for member in group.machines)), None)


def ways(project: Project, machine_ids: Collection[UUID]) -> dict[UUID, RouteView]:
    """The way of each of these machines: a conversion only where an assessment looked and saw no sign. Three queries."""
    known, assessed = routes(project), assessed_ids(project)
    return {each: known.get(each, CONVERTED) if each in assessed else NOT_ASSESSED for each in machine_ids}


def route_words(route: RouteView) -> str:
    """Its reasons as a sentence."""
    return " ".join(dict.fromkeys(why for _, _, why in route.reasons))
