"""Draws what applications need: those that need nothing on the left, and an arrow from each one to what it needs.

Applications that need each other stand in one column in thick frames, and their arrows run beside it. A dashed frame has no
machine. All of it is told in words too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from migration.assessment.core.svg import INK, head, rect, safe, shortened, text

K = TypeVar("K")
BOX_WIDTH, BOX_HEIGHT, COLUMN, ROW, MARGIN, LETTERS = 210, 44, 310, 64, 16, 28
LEAST_COLUMNS = 3
"""A picture of fewer columns is drawn as wide as this, so that its letters are not blown up."""
_ARROW = (
    '<defs><marker id="needs" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" orient="auto">'
    f'<path d="M0 0L8 4L0 8z" fill="{INK}"/></marker></defs>'
)


@dataclass(frozen=True, slots=True)
class DrawnApplication(Generic[K]):
    """`layer` is 0 where it needs nothing, else more than that of what it needs; one cycle shares a layer."""

    name: str
    machine_count: int
    layer: int
    needs: Collection[K]
    in_cycle: bool


def drawn(applications: Mapping[K, DrawnApplication[K]]) -> str:
    """The picture. Needs of applications that are not among these are left out."""
    columns = _columns(applications)
    height = max(map(len, columns)) * ROW + 2 * MARGIN
    width = max(len(columns), LEAST_COLUMNS) * COLUMN
    places = {
        key: (MARGIN + number * COLUMN, MARGIN + (height - 2 * MARGIN) * (2 * row + 1) / (2 * len(column)))
        for number, column in enumerate(columns)
        for row, key in enumerate(column)
    }
    parts = [head(width, height, told(applications)), _ARROW]
    for key, each in applications.items():
        parts += [_arrow(places[key], places[other]) for other in each.needs if other in places]
    parts += [_box(*places[key], each) for key, each in applications.items()]
    return "".join([*parts, "</svg>"])


def told(applications: Mapping[K, DrawnApplication[K]]) -> str:
    """The picture in sentences, one for each application."""
    return " ".join(_sentence(each, applications) for each in applications.values())


def _sentence(each: DrawnApplication[K], others: Mapping[K, DrawnApplication[K]]) -> str:
    needed = sorted(others[key].name for key in each.needs if key in others)
    cycle = ", and is needed by them in turn" if each.in_cycle else ""
    return f"{each.name} ({_machines(each)}) needs {', '.join(needed) or 'nothing'}{cycle}."


def _columns(applications: Mapping[K, DrawnApplication[K]]) -> list[Sequence[K]]:
    """Keys by layer, each beside what it needs where that can be, so that fewer arrows cross."""
    columns: list[Sequence[K]] = []
    heights: dict[K, float] = {}
    for layer in sorted({each.layer for each in applications.values()}):
        members = [key for key, each in applications.items() if each.layer == layer]
        means = {key: _mean([heights[other] for other in applications[key].needs if other in heights]) for key in members}
        column = sorted(members, key=lambda key: (means[key], applications[key].name))
        heights |= {key: (row + 0.5) / len(column) for row, key in enumerate(column)}
        columns.append(column)
    return columns


def _mean(heights: Sequence[float]) -> float:
    return sum(heights) / len(heights) if heights else 0.5


def _arrow(needing: tuple[float, float], needed: tuple[float, float]) -> str:
    """From the left side of the needing to the right side of the needed; a bow to the right inside one column."""
    (x1, y1), (x2, y2) = needing, needed
    end = x2 + BOX_WIDTH
    if x1 == x2:
        bow = end + 20 + min(abs(y1 - y2) / 6, 50)
        lift = 8 if y2 > y1 else -8
        line = f"M{end:g} {y1 + lift:g}C{bow:g} {y1 + lift:g} {bow:g} {y2 - lift:g} {end:g} {y2 - lift:g}"
    else:
        middle = (COLUMN - BOX_WIDTH) / 2
        line = f"M{x1:g} {y1:g}C{x1 - middle:g} {y1:g} {end + middle:g} {y2:g} {end:g} {y2:g}"
    return f'<path d="{line}" fill="none" stroke="{INK}" stroke-width="1.5" marker-end="url(#needs)"/>'


def _box(x: float, middle: float, each: DrawnApplication[K]) -> str:
    frame = (' stroke-width="3"' if each.in_cycle else "") + ("" if each.machine_count else ' stroke-dasharray="5 3"')
    top = middle - BOX_HEIGHT / 2
    under = _machines(each) + (", in a cycle" if each.in_cycle else "")
    return (
        f"<g><title>{safe(each.name)}</title>{rect(x, top, BOX_WIDTH, BOX_HEIGHT, frame=frame)}"
        f"{text(x + 10, middle - 3, shortened(each.name, LETTERS), bold=True)}{text(x + 10, middle + 14, under)}</g>"
    )


def _machines(each: DrawnApplication[K]) -> str:
    return f"{each.machine_count} machine{'' if each.machine_count == 1 else 's'}" if each.machine_count else "no machine"
