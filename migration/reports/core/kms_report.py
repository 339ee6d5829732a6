"""The KMS report for a customer: does Windows activation hold, what does each host count over time, what is to be done.

Pure: takes the views below (filled by services from the selectors of kms) and returns the document tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from migration.reports.core.document import (
    Block,
    Cell,
    Document,
    Figures,
    Heading,
    PageBreak,
    Paragraph,
    Picture,
    Table,
    Verdict,
    row,
)
from migration.reports.core.readiness_report import tone_of


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One sentence behind a verdict, with the next step."""

    code: str
    subject: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class WaveLine:
    """Whether activation holds for a wave if it moved now; a wave that has moved says when."""

    name: str
    state: str
    lowest: str
    detail: str


@dataclass(frozen=True, slots=True)
class DayLine:
    """One row of the chart's table."""

    day: str
    observed: str
    modelled: str
    forecast: str
    waves: str


@dataclass(frozen=True, slots=True)
class ClientLine:
    """Somebody who asked the host within its window."""

    machine: str
    cmid: str
    needs: str
    last_seen: str
    counted: str
    forgotten_at: str


@dataclass(frozen=True, slots=True)
class HostView:
    """One KMS host. Figures are words already: `unknown` where nobody knows."""

    name: str
    computer: str
    collected_at: datetime | None
    count: str
    cap: str
    quality: str
    servers: str
    workstations: str
    notes: tuple[str, ...]
    drawing_svg: str
    drawing_says: str
    days: tuple[DayLine, ...]
    events: tuple[str, ...]
    clients: tuple[ClientLine, ...]


@dataclass(frozen=True, slots=True)
class KmsReportView:
    """Everything the KMS report tells. `state` and `detail` are the site's verdict for every client that asks today."""

    customer: str
    project: str
    made_at: datetime
    made_by: str
    state: str
    detail: str
    remedy: str
    reasons: tuple[ReasonLine, ...]
    hosts: tuple[HostView, ...]
    waves: tuple[WaveLine, ...]
    network: tuple[tuple[str, str, str, str], ...]
    duplicates: tuple[tuple[str, str, str, str], ...]


def build(view: KmsReportView) -> Document:
    """The KMS report as a tree."""
    return Document(
        title="Windows activation by KMS",
        customer=view.customer,
        project=view.project,
        made_at=_time(view.made_at),
        made_by=view.made_by,
        blocks=tuple(_blocks(view)),
    )


def _blocks(view: KmsReportView) -> Iterator[Block]:
    yield Heading("Summary")
    yield Verdict(f"{view.state.replace('_', ' ').capitalize()}: {view.detail}", tone_of(view.state))
    if view.remedy:
        yield Paragraph(f"Next step: {view.remedy}")
    yield Figures((("KMS hosts", str(len(view.hosts))), *((f"Count of {host.name}", host.count) for host in view.hosts)))
    yield from _reasons(view.reasons)
    yield from _waves(view.waves)
    yield from _network(view.network)
    for host in view.hosts:
        yield PageBreak()
        yield from _host(host)
    yield from _duplicates(view.duplicates)
    yield from _basis()


def _reasons(reasons: tuple[ReasonLine, ...]) -> Iterator[Block]:
    yield Heading("What stands behind it")
    rows = tuple(row(each.subject, each.detail, each.remedy, each.code) for each in reasons)
    yield Table(("Of", "What is the case", "What to do", "Code"), rows, (18, 38, 30, 14), empty="Nothing stands against it.")


def _waves(waves: tuple[WaveLine, ...]) -> Iterator[Block]:
    yield Heading("Waves")
    yield Paragraph("Each wave as if it moved today and nothing else; the lowest count is that of the 45 days after the move.")
    rows = tuple(row(each.name, Cell(each.state, tone_of(each.state)), each.lowest, each.detail) for each in waves)
    yield Table(("Wave", "Activation", "Lowest count", "Why"), rows, (24, 12, 12, 52), empty="No wave has been planned.")


def _network(lines: tuple[tuple[str, str, str, str], ...]) -> Iterator[Block]:
    yield Heading("The way to KMS: DNS and ports")
    rows = tuple(row(*line) for line in lines)
    empty = "Nothing stands against it, as far as it was looked at."
    yield Table(("Of", "How it is meant", "What is the case", "What to do"), rows, (24, 12, 34, 30), empty=empty)


def _host(host: HostView) -> Iterator[Block]:
    read = _time(host.collected_at) if host.collected_at else "never"
    yield Heading(f"KMS host {host.name}")
    yield Paragraph(f"Computer {host.computer or 'not known yet'}, read {read}. Quality of the count: {host.quality}.")
    yield Figures(
        (
            ("Count", host.count),
            ("Remembers at most", host.cap),
            ("Servers activate (5)", host.servers),
            ("Workstations activate (25)", host.workstations),
        )
    )
    for note in host.notes:
        yield Paragraph(f"Note: {note}.")
    yield Picture(host.drawing_svg, f"Count of {host.name} over time. {host.drawing_says}.")
    yield Heading(f"Count of {host.name} by day", level=2)
    rows = tuple(row(day.day, day.observed, day.modelled, day.forecast, day.waves) for day in host.days)
    yield Table(
        ("Day", "Observed", "Modelled", "Forecast", "Waves"), rows, (20, 14, 18, 20, 28), empty="Nothing is known of it yet."
    )
    yield Heading(f"What {host.name} is heading for", level=2)
    yield Table(
        ("What happens, if nothing is moved",), tuple(row(event) for event in host.events), (100,), empty="Nothing changes."
    )
    yield Heading(f"Clients of {host.name}", level=2)
    yield Table(
        ("Machine", "Client machine id", "Needs", "Last asked", "Counted", "Forgotten"),
        tuple(row(c.machine, c.cmid, c.needs, c.last_seen, c.counted, c.forgotten_at) for c in host.clients),
        (22, 30, 8, 15, 10, 15),
        empty="Nobody asked it within 30 days, as far as its log tells.",
    )


def _duplicates(duplicates: tuple[tuple[str, str, str, str], ...]) -> Iterator[Block]:
    yield Heading("Machines that share a client id")
    rows = tuple(row(*each) for each in duplicates)
    columns = ("Client machine id", "Machines", "Kind", "What to do")
    yield Table(columns, rows, (24, 30, 12, 34), empty="None was seen.")


def _basis() -> Iterator[Block]:
    yield Heading("What this report stands on")
    yield Paragraph(
        "A KMS host activates Windows servers while it counts 5 clients and Windows workstations while it counts 25. It forgets "
        "a client 30 days after it last asked and remembers at most twice the largest number needed; clients renew every "
        "7 days and stay licensed for 180. Observed figures are what the host itself said; modelled ones replay its event log; "
        "forecasts take renewals as they were and count who is silent for 8 days as gone. What could not be read is unknown. "
        "Full product keys are stored nowhere and appear in no report."
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
