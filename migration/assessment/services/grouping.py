"""Keeping what one assessment sees between machines: groups that belong together, and who is made from a gold image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migration.assessment import selectors
from migration.assessment.core.groups import Group, groups_of, untold
from migration.assessment.core.routing import Reason, Route, Runbook, route_of
from migration.assessment.models import Assessment, MachineGroup, MachineRoute
from migration.assessment.selectors import UNKNOWN_ROUTE
from migration.assessment.services.gathering import Known

Told = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """`routes` are by runbook and reasons, with the ids of their machines; `untied` counts machines with unread ties."""

    groups: tuple[Group, ...]
    ids: Mapping[str, str]
    routes: Mapping[tuple[str, Told], list[str]]
    untied: int


def look(known: Known) -> Seen:
    """Groups and ways of the machines that are acted on through this source."""
    vms = [each.vm for each in known.machines]
    marks = selectors.marks()
    routes: dict[tuple[str, Told], list[str]] = {}
    for each in known.machines:
        found = route_of(each.vm, marks)
        if found.runbook != Runbook.CONVERSION:
            routes.setdefault((_runbook(found), tuple(map(_told, found.reasons))), []).append(str(each.machine_id))
    return Seen(
        groups=groups_of(vms, known.clusters, known.context.estate.containers.values()),
        ids={each.vm.native_id: str(each.machine_id) for each in known.machines},
        routes=routes,
        untied=len(untold(vms, known.clusters)),
    )


def _runbook(route: Route) -> str:
    return route.runbook.value if isinstance(route.runbook, Runbook) else UNKNOWN_ROUTE


def _told(reason: Reason) -> tuple[str, str, str]:
    return reason.tool, reason.path, reason.why


def replace_seen(assessment: Assessment, seen: Seen) -> None:
    """Store it in the place of what the assessment saw before. Call inside a transaction."""
    assessment.groups.all().delete()
    assessment.routes.all().delete()
    MachineGroup.objects.bulk_create(
        (
            MachineGroup(
                assessment=assessment,
                kinds=[kind.value for kind in group.kinds],
                machine_ids=[seen.ids[native_id] for native_id in group.machines],
                ties=[
                    {"kind": tie.kind.value, "what": tie.what, "machines": [seen.ids[each] for each in tie.machines]}
                    for tie in group.why
                ],
            )
            for group in seen.groups
        ),
        batch_size=500,
    )
    MachineRoute.objects.bulk_create(
        MachineRoute(
            assessment=assessment,
            runbook=runbook,
            reasons=[{"tool": tool, "path": path, "why": why} for tool, path, why in reasons],
            machine_ids=machines,
        )
        for (runbook, reasons), machines in seen.routes.items()
    )
