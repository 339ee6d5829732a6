"""The readiness report for a customer: is the pool ready, what moves, what stays behind and why, what was proven.

Pure: takes the views below (filled by services from the apps' selectors) and returns the document tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from migration.reports.core.document import Block, Cell, Document, Figures, Heading, Paragraph, Picture, Table, Tone, Verdict, row


@dataclass(frozen=True, slots=True)
class CheckLine:
    check_id: str
    title: str
    result: str
    blocks: bool
    evidence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class FaultLine:
    """One simulated fault: what fails, who fences, who survives."""

    fault: str
    outcome: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class PoolView:
    name: str
    verdict: str
    evaluated_at: datetime | None
    collected_at: datetime | None
    timeout: str
    checks: tuple[CheckLine, ...]
    faults: tuple[FaultLine, ...]
    picture_svg: str
    evidence: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class MachineLine:
    name: str
    verdict: str
    note: str


@dataclass(frozen=True, slots=True)
class DiskLine:
    """One disk of a conversion: how much of it was read back, and the digest of what was read from its source."""

    label: str
    size: str
    read_back: str
    digest: str


@dataclass(frozen=True, slots=True)
class ConversionLine:
    name: str
    state: str
    disks: tuple[DiskLine, ...]
    copied: str
    proof: str
    note: str


@dataclass(frozen=True, slots=True)
class GateLine:
    decided_at: datetime
    phase: str
    state: str
    signed_by: str
    reasons: str


@dataclass(frozen=True, slots=True)
class KmsView:
    state: str
    detail: str
    count: str
    servers: str
    clients: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """Everything the readiness report tells; parts that do not exist yet are None or empty and are said to be missing."""

    customer: str
    project: str
    policy_profile: str
    gate_profile: str
    target_product: str
    made_at: datetime
    made_by: str
    inventory: tuple[tuple[str, str], ...]
    inventory_at: datetime | None
    machines: tuple[MachineLine, ...]
    pools: tuple[PoolView, ...]
    gates: tuple[GateLine, ...]
    conversions: tuple[ConversionLine, ...]
    kms: KmsView | None
    waivers: tuple[tuple[str, str, str, str], ...]


_TONES = {
    "pass": Tone.GOOD,
    "ready": Tone.GOOD,
    "done": Tone.GOOD,
    "ok": Tone.GOOD,
    "open": Tone.GOOD,
    "true": Tone.BAD,
    "warn": Tone.CAUTION,
    "ready_with_work": Tone.CAUTION,
    "ready_with_waivers": Tone.CAUTION,
    "tight": Tone.CAUTION,
    "partial": Tone.CAUTION,
    "fail": Tone.BAD,
    "blocked": Tone.BAD,
    "closed": Tone.BAD,
    "failed": Tone.BAD,
    "not_ready": Tone.BAD,
    "low": Tone.BAD,
    "unknown": Tone.UNKNOWN,
}


def tone_of(word: str) -> Tone:
    """How a result word is set apart."""
    return _TONES.get(word, Tone.PLAIN)


def build(view: ReportView) -> Document:
    """The readiness report as a tree."""
    return Document(
        title="Readiness report",
        customer=view.customer,
        project=view.project,
        made_at=_time(view.made_at),
        made_by=view.made_by,
        blocks=tuple(_blocks(view)),
    )


def _blocks(view: ReportView) -> Iterator[Block]:
    yield Heading("Summary")
    yield from _summary(view)
    for pool in view.pools:
        yield from _pool(pool)
    yield from _gates(view.gates)
    yield from _machines(view)
    yield from _conversions(view.conversions)
    yield from _kms(view.kms)
    yield from _waivers(view.waivers)
    yield from _basis(view)


def _summary(view: ReportView) -> Iterator[Block]:
    if not view.pools:
        yield Verdict("No target pool has been collected yet: readiness is unknown.", Tone.UNKNOWN)
    for pool in view.pools:
        yield Verdict(f"Pool {pool.name}: {pool.verdict.replace('_', ' ')}", tone_of(pool.verdict))
    done = sum(c.state == "done" for c in view.conversions)
    yield Figures(
        (
            *view.inventory,
            ("Machines that can move", str(sum(m.verdict in ("ready", "ready_with_work") for m in view.machines))),
            ("Machines blocked", str(sum(m.verdict == "blocked" for m in view.machines))),
            ("Machines with open questions", str(sum(m.verdict == "unknown" for m in view.machines))),
            ("Conversions done", f"{done} of {len(view.conversions)}"),
        )
    )


def _pool(pool: PoolView) -> Iterator[Block]:
    yield Heading(f"Would high availability hold in {pool.name}?")
    if pool.picture_svg:
        caption = (
            "Hosts, bonded management interfaces, switches and heartbeat paths as collected; dashed parts are broken or unknown."
        )
        yield Picture(pool.picture_svg, caption)
    collected = _time(pool.collected_at) if pool.collected_at else "never"
    evaluated = _time(pool.evaluated_at) if pool.evaluated_at else "never"
    yield Paragraph(f"Heartbeat timeout: {pool.timeout}. Facts collected {collected}, evaluated {evaluated}.")
    yield Table(
        ("Check", "Result", "Question", "What we saw", "What to do"),
        tuple(_check_row(check) for check in pool.checks),
        (8, 9, 24, 34, 25),
        empty="No check has been evaluated yet.",
    )
    if pool.faults:
        yield Heading("One thing fails: what happens", level=2)
        yield Table(("Fault", "Outcome"), tuple(row(f.fault, Cell(f.outcome, f.tone)) for f in pool.faults), (35, 65))
    if pool.evidence:
        yield Heading("Evidence given by people", level=2)
        yield Table(("What", "Value", "Who and when"), tuple(row(*line) for line in pool.evidence), (30, 40, 30))


def _check_row(check: CheckLine) -> tuple[Cell, ...]:
    result = check.result.replace("_", " ") + (" · blocks" if check.blocks else "")
    remedy = "" if check.result in ("pass", "not_applicable") else check.remedy
    return row(check.check_id, Cell(result, tone_of(check.result)), check.title, check.evidence, remedy)


def _gates(gates: tuple[GateLine, ...]) -> Iterator[Block]:
    yield Heading("The gate")
    rows = tuple(
        row(
            _time(gate.decided_at),
            gate.phase.replace("_", " "),
            Cell(gate.state, tone_of(gate.state)),
            gate.signed_by,
            gate.reasons,
        )
        for gate in gates
    )
    yield Table(
        ("Asked", "When", "Answer", "Signed by", "Reasons"), rows, (14, 12, 9, 13, 52), empty="The gate has not been asked yet."
    )


def _machines(view: ReportView) -> Iterator[Block]:
    yield Heading("Machines")
    rows = tuple(row(m.name, Cell(m.verdict.replace("_", " "), tone_of(m.verdict)), m.note) for m in view.machines)
    yield Table(("Machine", "Verdict", "Why, and what to do"), rows, (22, 15, 63), empty="Nothing has been assessed yet.")


def _conversions(lines: tuple[ConversionLine, ...]) -> Iterator[Block]:
    yield Heading("Conversions")
    rows = tuple(_conversion_row(line) for line in lines)
    columns = ("Machine", "State", "Disks", "Copied", "Proof", "Remark")
    yield Table(columns, rows, (15, 10, 7, 16, 24, 28), empty="No conversion has been started.")
    proven = tuple(row(c.name, disk.label, disk.size, disk.read_back, disk.digest) for c in lines for disk in c.disks)
    if proven:
        yield Heading("What was proven of each disk", level=2)
        yield Paragraph(
            "The digest is BLAKE3 over the BLAKE3 hashes of the disk's blocks of 2 MiB, as they were read from the source: "
            "disks with one digest have the same size and hold the same bytes."
        )
        yield Table(("Machine", "Disk", "Size", "Read back from the pool", "Digest"), proven, (13, 10, 9, 12, 56))


def _conversion_row(line: ConversionLine) -> tuple[Cell, ...]:
    state = Cell(line.state.replace("_", " "), tone_of(line.state))
    return row(line.name, state, str(len(line.disks)), line.copied, line.proof, line.note)


def _kms(kms: KmsView | None) -> Iterator[Block]:
    yield Heading("Windows activation (KMS)")
    if kms is None:
        yield Verdict("No KMS host has been read: whether Windows will activate after the move is unknown.", Tone.UNKNOWN)
        return
    yield Verdict(kms.detail, tone_of(kms.state))
    yield Figures((("Count", kms.count), ("Servers activate (5)", kms.servers), ("Workstations activate (25)", kms.clients)))


def _waivers(waivers: tuple[tuple[str, str, str, str], ...]) -> Iterator[Block]:
    yield Heading("Accepted risks")
    rows = tuple(row(*waiver) for waiver in waivers)
    yield Table(
        ("Rule or check", "Subject", "Reason", "Accepted by, until"), rows, (18, 22, 36, 24), empty="No risk has been accepted."
    )


def _basis(view: ReportView) -> Iterator[Block]:
    yield Heading("What this report stands on")
    at = _time(view.inventory_at) if view.inventory_at else "never"
    yield Paragraph(
        f"Inventory of {at}. Policy profile {view.policy_profile}, gate profile {view.gate_profile}, "
        f"target {view.target_product}. "
        "Whatever could not be read is shown as unknown and counts against readiness."
    )


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
