"""Gathers what the KMS report tells from the selectors of kms. Reads only; wording and order are core's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kms import selectors as kms
from kms import waves as kms_waves
from kms.core.chart import ChartRow, draw, rows
from kms.core.network import NetworkFinding, findings, in_order
from kms.core.observed import HostCount
from kms.core.policy import Threshold
from kms.selectors.charts import host_chart
from kms.selectors.network import network_case, wave_firewall
from kms.waves import KnownWave
from migration.reports.core.kms_report import ClientLine, DayLine, HostView, KmsReportView, ReasonLine, WaveLine
from project.backbone.models import Project
from project.backbone.problems import Problem

DAYS = 45


def kms_view(project: Project, *, at: datetime, made_by: str) -> KmsReportView:
    """Everything the KMS report of a project tells at this time."""
    verdict = kms.verdict(project, at=at)
    return KmsReportView(
        customer=project.customer.name,
        project=project.name,
        made_at=at,
        made_by=made_by,
        state=verdict.state.value,
        detail=verdict.detail,
        remedy=verdict.remedy,
        reasons=tuple(ReasonLine(each.code, each.subject, each.detail, each.remedy) for each in verdict.reasons),
        hosts=tuple(_host(host, at) for host in kms.hosts(project)),
        waves=tuple(_wave(project, wave) for wave in kms_waves.known_waves(project)),
        network=_network(project, at),
        duplicates=tuple((each.cmid, ", ".join(each.machines), each.kind.value, each.remedy) for each in verdict.duplicates),
    )


def _network(project: Project, at: datetime) -> tuple[tuple[str, str, str, str], ...]:
    """What is to be said of DNS and ports, and to be asked of the networks of waves that have not moved yet; each once."""
    asked = [finding for wave in kms_waves.known_waves(project) for finding in _firewall(project, wave, at)]
    told = in_order((*findings(network_case(project, at=at)), *dict.fromkeys(asked)))
    return tuple((each.subject, each.grade.value, each.detail, each.remedy) for each in told)


def _firewall(project: Project, wave: KnownWave, at: datetime) -> tuple[NetworkFinding, ...]:
    if wave.moved_at is not None:
        return ()
    try:
        return wave_firewall(project, wave_id=wave.wave_id, at=at)
    except Problem:  # said of the wave itself in its own line
        return ()


def _host(host: Any, at: datetime) -> HostView:
    counted, projected = kms.host_count(host, at=at), kms.host_forecast(host, days=DAYS, at=at)
    chart = host_chart(host, at=at)
    return HostView(
        name=host.name,
        computer=host.computer_name,
        collected_at=counted.collected_at,
        count=_count(counted),
        cap=str(counted.cap) if counted.cap else "unknown",
        quality=counted.quality.value.replace("_", " "),
        servers=_reaches(counted, Threshold.SERVER),
        workstations=_reaches(counted, Threshold.CLIENT),
        notes=counted.notes,
        drawing_svg=draw(chart),
        drawing_says=chart.summary.capitalize(),
        days=tuple(_day(each) for each in rows(chart)),
        events=tuple(event.detail for event in projected.events),
        clients=tuple(_client(each) for each in kms.host_clients(host, at=at)),
    )


def _count(counted: HostCount) -> str:
    if not isinstance(counted.count, int):
        return "unknown"
    return f"at least {counted.count}" if counted.at_cap else str(counted.count)


def _reaches(counted: HostCount, threshold: Threshold) -> str:
    if not isinstance(counted.count, int):
        return "unknown"
    return "yes" if counted.count >= threshold else "no"


def _day(day: ChartRow) -> DayLine:
    modelled = "" if day.modelled is None else f"at least {day.modelled}" if day.at_least else str(day.modelled)
    bounds = "" if day.lower is None else str(day.lower) if day.lower == day.upper else f"{day.lower} to {day.upper}"
    observed = "" if day.observed is None else str(day.observed)
    return DayLine(f"{day.at:%Y-%m-%d}", observed, modelled, bounds, ", ".join(day.waves))


def _client(known: kms.KnownClient) -> ClientLine:
    contact = known.last_contact
    return ClientLine(
        machine=contact.machine_name,
        cmid=contact.cmid,
        needs=str(contact.required_count),
        last_seen=f"{contact.seen_at:%Y-%m-%d %H:%M}",
        counted="yes" if known.counted else "no",
        forgotten_at=f"{known.expires_at:%Y-%m-%d}",
    )


def _wave(project: Project, wave: KnownWave) -> WaveLine:
    if wave.moved_at is not None:
        return WaveLine(wave.name, "moved", "", f"its first machine ran in the pool on {wave.moved_at:%Y-%m-%d %H:%M} UTC")
    try:
        verdict = kms.wave_verdict(project, wave_id=wave.wave_id)
    except Problem as problem:  # a machine of it is gone: that wave cannot be judged, the others can
        return WaveLine(wave.name, "unknown", "", problem.detail)
    lowest = "unknown" if verdict.lowest is None else f"{verdict.lowest.lower} on {verdict.lowest.at:%Y-%m-%d}"
    return WaveLine(wave.name, verdict.state.value, lowest, verdict.detail)
