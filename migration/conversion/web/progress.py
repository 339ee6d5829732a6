"""The page of conversions: what moves, how far it is, what was proven. Refreshes its table by itself; only asks selectors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from migration.conversion import selectors
from migration.conversion.core.itinerary import title_of
from migration.conversion.core.states import ACTIVE, ENDED, State
from migration.conversion.models import Conversion, DiskCopy
from project.web.pages import LivePage

_TONES = {
    State.DONE: "good",
    State.READY: "good",
    State.FAILED: "bad",
    State.ROLLED_BACK: "caution",
    State.CANCELLED: "unknown",
    State.PLANNED: "none",
}


@dataclass(frozen=True, slots=True)
class DiskLine:
    """One disk copy. Bytes are of the virtual disk; `zero_bytes` of the copied ones held nothing and were not sent."""

    label: str
    total_bytes: int
    copied_bytes: int
    sent_bytes: int
    zero_bytes: int
    percent: int
    verified: bool
    proven: bool
    compared: str
    digest: str
    fault: str


@dataclass(frozen=True, slots=True)
class Line:
    """One conversion. `percent` and bytes are of all its disks together."""

    id: UUID
    name: str
    state: str
    tone: str
    step: str
    percent: int
    total_bytes: int
    copied_bytes: int
    verified: int
    disks: tuple[DiskLine, ...]
    message: str
    next_step: str
    runs: bool
    moving: bool
    verify: str


class ConversionsPage(LivePage):
    """All conversions of a project."""

    page = "conversions"
    template_name = "conversion/page.html"
    part_template = "conversion/table.html"

    def live(self) -> tuple[Line, ...]:
        return tuple(_line(row) for row in selectors.conversions_of_project(self.project.pk))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        lines: tuple[Line, ...] = context["live"]
        states = Counter((line.state, line.tone) for line in lines)
        return {**context, "lines": lines, "active": any(line.moving for line in lines), "states": list(states.items())}


def _line(row: Conversion) -> Line:
    disks = tuple(_disk(copy) for copy in row.disks.all())
    total, copied = sum(disk.total_bytes for disk in disks), sum(disk.copied_bytes for disk in disks)
    state, error = State(row.state), row.error or {}
    return Line(
        id=row.pk,
        name=row.name,
        state=state.value.replace("_", " "),
        tone=_TONES.get(state, "busy"),
        step="" if state in ENDED and state is not State.FAILED else title_of(row.step),
        percent=_percent(copied, total),
        total_bytes=total,
        copied_bytes=copied,
        verified=sum(disk.proven for disk in disks),
        disks=disks,
        message=str(error.get("message", "")),
        next_step=str(error.get("next_step", "")),
        runs=bool(row.boot_proof) and state is State.DONE,
        moving=state in ACTIVE,
        verify=row.verify,
    )


def _disk(copy: DiskCopy) -> DiskLine:
    return DiskLine(
        label=copy.label,
        total_bytes=copy.bytes_total,
        copied_bytes=copy.bytes_copied,
        sent_bytes=copy.bytes_sent,
        zero_bytes=copy.bytes_zero,
        percent=_percent(copy.bytes_copied, copy.bytes_total),
        verified=copy.verified,
        proven=copy.is_proven,
        compared=f"{copy.compared}: {copy.blocks_compared} of {copy.blocks_total} blocks",
        digest=copy.digest,
        fault=str((copy.fault or {}).get("message", "")),
    )


def _percent(part_bytes: int, whole_bytes: int) -> int:
    """Rounded down, so that 100 means all of it."""
    return part_bytes * 100 // whole_bytes if whole_bytes else 0
