"""Lets conversions copy or wait, by the budgets: each decision is taken on all streams and counted, so that none is taken twice.

What is decided is core.budget's; this room gathers the streams and writes down who copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q

from estate.facts.pool import PoolFacts
from migration.conversion import selectors
from migration.conversion.core.budget import Answer, Budget, Kind, Share, StreamView, decide
from migration.conversion.core.spec import ConversionSpec
from migration.conversion.models import DISKS_AT_ONCE, Conversion, Stream, StreamTurn
from project.backbone.clock import now
from project.backbone.jobs.states import UNFINISHED, JobState
from project.backbone.models import Endpoint, Job
from readiness.selectors import pools

MOST_TURNS = 20


def queue_up(conversion: Conversion, job: Job) -> None:
    """Note that a conversion wants to copy, so that those who are asked before it know; asked again, its place stays."""
    if Stream.objects.filter(conversion=conversion, job=job).exists():
        return
    wish = {
        "job": job,
        "fence": 0,
        "project_id": conversion.project_id,
        "shares": _stored(selectors.spec_of(conversion), conversion),
        "asked_at": now(),
    }
    Stream.objects.update_or_create(conversion=conversion, defaults=wish)


def enter(conversion: Conversion, *, job_id: UUID, fence: int) -> Answer:
    """Ask for a turn for the running job; with a yes it counts as copying for as long as it runs under this fence.

    One that copies may ask again: it keeps what it has, and gets the lanes it could use besides if there is room by now.
    """
    for _ in range(MOST_TURNS):
        answer = _enter(conversion, job_id, fence)
        if answer is not None:
            return answer
    held = Stream.objects.filter(conversion=conversion, job_id=job_id, fence=fence).first()
    return Answer(False) if held is None else Answer(True, lanes=held.lanes)


def narrow(conversion: Conversion, fence: int, lanes: int) -> None:
    """So few of its disks are still copied at a time under this fence: what the others had is free."""
    Stream.objects.filter(conversion=conversion, fence=fence, lanes__gt=lanes).update(lanes=lanes)


def leave(conversion: Conversion) -> None:
    """The conversion copies no more and does not want to."""
    Stream.objects.filter(conversion=conversion).delete()


def _enter(conversion: Conversion, job_id: UUID, fence: int) -> Answer | None:
    """One try; None when another decision was taken meanwhile, which may have used what this one counted on."""
    turn, _ = StreamTurn.objects.get_or_create(pk=1)
    rows = {str(row["conversion_id"]): row for row in _unfinished()}
    key = str(conversion.pk)
    if key not in rows:
        queue_up(conversion, Job.objects.get(pk=job_id))
        return None
    views = {each: _view(row) for each, row in rows.items()}
    has = views[key].lanes if views[key].runs else 0
    views[key] = replace(views[key], runs=False, lanes=_wanted(rows[key]))
    answer = decide(views.values(), now())[key]
    if answer.lanes <= has:
        return Answer(True, lanes=has) if has else answer
    with transaction.atomic():
        if not StreamTurn.objects.filter(pk=1, number=turn.number).update(number=F("number") + 1):
            return None
        Stream.objects.filter(conversion=conversion, job_id=job_id).update(fence=fence, lanes=answer.lanes)
    return answer


def _unfinished() -> list[dict[str, Any]]:
    rows = Stream.objects.filter(job__state__in=[state.value for state in UNFINISHED])
    open_disks = Count("conversion__disks", filter=Q(conversion__disks__verified=False))
    return list(
        rows.annotate(open_disks=open_disks).values(
            "conversion_id",
            "project_id",
            "shares",
            "asked_at",
            "fence",
            "lanes",
            "open_disks",
            "conversion__priority",
            "job__state",
            "job__fence",
            "project__running_settings__disks_at_once",
            *(f"project__running_settings__per_{kind.value}" for kind in Kind),
        )
    )


def _view(row: dict[str, Any]) -> StreamView:
    runs = row["job__state"] == JobState.RUNNING and bool(row["fence"]) and row["job__fence"] == row["fence"]
    own = {f"per_{kind.value}": row[f"project__running_settings__per_{kind.value}"] for kind in Kind}
    return StreamView(
        id=str(row["conversion_id"]),
        project=str(row["project_id"]),
        shares=frozenset(Share(Kind(kind), key) for kind, key in row["shares"]),
        priority=row["conversion__priority"],
        asked_at=row["asked_at"],
        runs=runs,
        budget=Budget(**{name: value for name, value in own.items() if value is not None}),
        lanes=row["lanes"] if runs else _wanted(row),
    )


def _wanted(row: dict[str, Any]) -> int:
    """As many lanes as there are disks that are not through, and as the project allows."""
    allowed: int = row["project__running_settings__disks_at_once"] or DISKS_AT_ONCE
    open_disks: int = row["open_disks"]
    return max(1, min(open_disks, allowed))


def _stored(spec: ConversionSpec, conversion: Conversion) -> list[list[str]]:
    return [[share.kind.value, share.key] for share in sorted(set(_shares(spec, conversion)))]


def _shares(spec: ConversionSpec, conversion: Conversion) -> Iterator[Share]:
    """Keys begin with the server's address, the same in every project; a host nobody knows is one for all of a server."""
    source = _address(spec)
    yield Share(Kind.SOURCE_HOST, f"{source} {spec.source_host or '?'}")
    for disk in spec.disks:
        if disk.datastore:
            yield Share(Kind.DATASTORE, f"{source} {disk.datastore}")
        yield Share(Kind.SR, disk.sr_uuid)
    reading = pools.latest_inventory(conversion.pool_id)
    facts = None if reading is None else pools.facts_of(reading)
    for sr_uuid in {disk.sr_uuid for disk in spec.disks}:
        yield Share(Kind.POOL_HOST, "?" if facts is None else _serving_host(facts, sr_uuid))


def _address(spec: ConversionSpec) -> str:
    """The server's address; of a package the folder, which all share."""
    if not spec.source_endpoint_id:
        return "packages"
    return Endpoint.objects.filter(pk=spec.source_endpoint_id).values_list("url", flat=True).first() or spec.source_endpoint_id


def _serving_host(facts: PoolFacts, sr_uuid: str) -> str:
    """The host that an upload to this SR goes to: the coordinator where it is connected, else the first address."""
    connected = {pbd.host_uuid for pbd in facts.pbds if pbd.sr_uuid == sr_uuid and pbd.currently_attached is True}
    if not connected or facts.coordinator_uuid in connected:
        return facts.coordinator_uuid
    return min((host.address, host.uuid) for host in facts.hosts if host.uuid in connected)[1]
