"""Reading KMS: hosts, their histories, counts, forecasts, clients, and the verdict a gate asks for.

Loads only the readings an answer needs; the arithmetic is core's. Nothing is written in here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from estate.facts.codec import from_json
from estate.facts.kms import KmsContact, KmsReading, KmsUploadFormat
from kms import waves
from kms.core.alarm import Level
from kms.core.duplicates import DuplicateCmid
from kms.core.expected import last_contacts
from kms.core.forecast import ForecastDay, forecast
from kms.core.judge import judge
from kms.core.machines import AliasBook, MachineAlias, MovedMachine, canonical_uuid
from kms.core.milestones import Milestone, alarms, milestones
from kms.core.observed import HostCount, HostHistory, count_at, is_legacy, replay
from kms.core.plan import CmidPolicy, Plan
from kms.core.policy import DEFAULT_POLICY, KmsPolicy, Threshold
from kms.core.verdict import KmsVerdict, Placement, PlannedMachine, VerdictQuestion
from kms.models import KmsHost, KmsReadingRow
from kms.selectors.guest_readings import guest_readings
from kms.selectors.standing import host_rows
from project.backbone.clock import now
from project.backbone.models import Project
from project.backbone.problems import NotVisible

__all__ = [
    "AliasBook",
    "CmidPolicy",
    "DuplicateCmid",
    "KmsVerdict",
    "Level",
    "MachineAlias",
    "MovedMachine",
    "Placement",
    "PlannedMachine",
    "canonical_uuid",
    "host_clients",
    "host_count",
    "host_forecast",
    "hosts",
    "verdict",
    "wave_verdict",
]


def hosts(project: Project) -> QuerySet[KmsHost]:
    """The project's KMS hosts that are in use."""
    return KmsHost.objects.filter(project=project, retired_at=None)


def host(project: Project, host_id: UUID | str) -> KmsHost:
    """One host in use. Raises: NotVisible."""
    found = hosts(project).filter(pk=host_id).first()
    if found is None:
        raise NotVisible("KMS host")
    return found


def readings(host: KmsHost) -> QuerySet[KmsReadingRow]:
    """The host's readings, newest first, without their facts, withdrawn ones too."""
    return KmsReadingRow.objects.filter(host=host).select_related("upload__withdrawal").defer("facts", "upload__text")


def host_count(host: KmsHost, *, at: datetime) -> HostCount:
    """The host's count at `at`, which may lie in the past."""
    return count_at(history_of(host, at=at), at)


@dataclass(frozen=True, slots=True)
class HostForecast:
    """A host's forecast, its alarms against 5 and 25 day by day, and what happens on the way."""

    start: HostCount
    days: tuple[ForecastDay, ...]
    server: tuple[Level, ...]
    client: tuple[Level, ...]
    events: tuple[Milestone, ...]


def host_forecast(host: KmsHost, *, days: int, at: datetime | None = None, plan: Plan | None = None) -> HostForecast:
    """The host's count for today and the next `days` days under a plan, or with nothing planned."""
    start = at or now()
    history = history_of(host, at=start)
    projected = forecast(history, now=start, days=days, plan=plan)
    server, client = (alarms(projected.days, threshold) for threshold in Threshold)
    events = milestones(projected, last_contacts(history, start))
    return HostForecast(projected.start, projected.days, server, client, events)


@dataclass(frozen=True, slots=True)
class KnownClient:
    """One CMID that asked within the window. `counted` is False for one the host refused or has pushed out of its cache."""

    last_contact: KmsContact
    counted: bool
    expires_at: datetime


def host_clients(host: KmsHost, *, at: datetime, policy: KmsPolicy = DEFAULT_POLICY) -> tuple[KnownClient, ...]:
    """Every client of the last 30 days by its last contact, newest first."""
    history = history_of(host, at=at)
    counted = {client.cmid for client in replay(history, at, policy).clients(at)}
    contacts = (contact for reading in history.readings for contact in reading.contacts)
    recent = sorted((c for c in contacts if at - policy.window < c.seen_at <= at), key=lambda contact: contact.seen_at)
    last = {contact.cmid: contact for contact in recent}
    newest_first = sorted(last.values(), key=lambda contact: contact.seen_at, reverse=True)
    return tuple(KnownClient(c, c.cmid in counted, c.seen_at + policy.window) for c in newest_first)


def verdict(
    project: Project,
    *,
    at: datetime | None = None,
    moves_at: datetime | None = None,
    machines: Sequence[PlannedMachine] = (),
    aliases: Sequence[MachineAlias] = (),
    policy: KmsPolicy = DEFAULT_POLICY,
) -> KmsVerdict:
    """Whether KMS activation holds for these Windows machines when they move at `moves_at` (now unless told).

    `aliases` join machines that are not moving but known under several names or UUIDs, beside those the conversion ledger
    joins. Without a fresh reading of every
    host concerned the state is `unknown`, which never counts as a pass.
    """
    asked_at = at or now()
    moving = {planned.machine.machine_id for planned in machines}
    known = (alias for alias in (*aliases, *waves.aliases(project)) if alias.machine_id not in moving)
    book = AliasBook((*(planned.machine for planned in machines), *known))
    histories = [history_of(each, at=asked_at) for each in hosts(project)]
    question = VerdictQuestion(
        now=asked_at,
        moves_at=moves_at or asked_at,
        machines=tuple(machines),
        book=book,
        guests=guest_readings(project, at=asked_at),
        placements=tuple(waves.placements(project)) if len(histories) > 1 else (),
    )
    return judge(question, histories, policy)


def wave_verdict(project: Project, *, wave_id: str, moves_at: datetime | None = None) -> KmsVerdict:
    """The verdict for the Windows machines of a wave. Raises: NotVisible, Conflict `machine_gone`."""
    return verdict(project, moves_at=moves_at, machines=waves.planned(project, wave_id))


def history_of(host: KmsHost, *, at: datetime, policy: KmsPolicy = DEFAULT_POLICY) -> HostHistory:
    """The host with the readings that tell of the window before `at`: two queries, however many are stored."""
    chosen = _needed(host, at, policy)
    rows = KmsReadingRow.objects.filter(pk__in=[row["id"] for row in chosen])
    facts = {row.pk: from_json(row.facts, KmsReading) for row in rows}
    loaded = tuple(facts[row["id"]] for row in chosen)
    newest = next((row for row in chosen if row["collected_at"] <= at), None)
    version_is_legacy = any(is_legacy(reading.os_version) for reading in loaded)
    return HostHistory(
        host_id=str(host.pk),
        name=host.name,
        readings=loaded,
        legacy=host.legacy or version_is_legacy,
        evidence_id=str(newest["id"]) if newest else "",
    )


def _needed(host: KmsHost, at: datetime, policy: KmsPolicy) -> list[dict[str, Any]]:
    """The newest reading up to `at`, older ones until their logs reach back over the window and one of them says the host's own
    count, and for a question about the past the next one after it: its log tells of that time too."""
    columns = ("id", "upload_id", "collected_at", "log_covers_from", "upload__format")
    rows = host_rows(host).order_by("-collected_at", "-created_at").values(*columns)
    after = list(rows.filter(collected_at__gt=at).order_by("collected_at", "created_at")[:1])
    before = _one_per_upload(list(rows.filter(collected_at__lte=at, collected_at__gt=at - 2 * policy.window)))
    begin, covered, counted = at - policy.window, False, False
    for number, row in enumerate(before):
        covered |= row["log_covers_from"] is not None and row["log_covers_from"] <= begin
        counted |= row["upload__format"] in SAY_COUNTS
        if covered and counted:
            return [*after, *before[: number + 1]]
    return [*after, *before]


SAY_COUNTS = frozenset({KmsUploadFormat.CIM_JSON.value, KmsUploadFormat.SLMGR_TEXT.value})


def _one_per_upload(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per upload: the newest parser's reading stands for the older ones'."""
    first_of: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        first_of.setdefault(row["upload_id"], row)
    return list(first_of.values())
