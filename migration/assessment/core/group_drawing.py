"""Draws a group as plain SVG 1.1: its machines on the left, what ties them on the right, a line for each part in a tie.

Kinds of ties are told by words and by stroke, never by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from migration.assessment.core.svg import INK, head, rect, shortened, text

K = TypeVar("K")
WIDTH, ROW, BOX_HEIGHT, MARGIN = 760, 44, 32, 12
MACHINE_WIDTH, TIE_WIDTH, LETTERS, TIE_LETTERS = 250, 330, 32, 46
WORDS = {
    "shared_disk": "shared disk",
    "affinity": "affinity rule",
    "vm_group": "VM group of a rule",
    "vapp": "vApp",
    "same_mac": "same MAC address",
}
_DASHES = {"shared_disk": "", "same_mac": ' stroke-dasharray="10 4"', "vapp": ' stroke-dasharray="2 4"'}
_OTHER = ' stroke-dasharray="6 3"'


@dataclass(frozen=True, slots=True)
class DrawnTie(Generic[K]):
    kind: str
    what: str
    machines: Sequence[K]


def drawn(machines: Mapping[K, str], ties: Sequence[DrawnTie[K]]) -> str:
    """The picture; `machines` are names by key, in the order they are drawn."""
    height = max(len(machines), len(ties)) * ROW + 2 * MARGIN
    names = ", ".join(machines.values())
    left = {key: _centre(number, len(machines), height) for number, key in enumerate(machines)}
    right = [_centre(number, len(ties), height) for number in range(len(ties))]
    parts = [
        head(WIDTH, height, names),
        *_lines(left, ties, right),
        *(_box(MARGIN, left[key], MACHINE_WIDTH, shortened(name, LETTERS), bold=True) for key, name in machines.items()),
        *(_box(WIDTH - MARGIN - TIE_WIDTH, y, TIE_WIDTH, _words(tie), bold=False) for tie, y in zip(ties, right, strict=True)),
        "</svg>",
    ]
    return "".join(parts)


def _centre(number: int, count: int, height: int) -> float:
    return MARGIN + (height - 2 * MARGIN) * (2 * number + 1) / (2 * count)


def _lines(left: Mapping[K, float], ties: Sequence[DrawnTie[K]], right: Sequence[float]) -> Iterator[str]:
    for tie, y in zip(ties, right, strict=True):
        for key in tie.machines:
            if key in left:
                yield (
                    f'<line x1="{MARGIN + MACHINE_WIDTH}" y1="{left[key]:g}" x2="{WIDTH - MARGIN - TIE_WIDTH}" y2="{y:g}"'
                    f' stroke="{INK}" stroke-width="1.5"{_DASHES.get(tie.kind, _OTHER)}/>'
                )


def _box(x: float, middle: float, width: int, words: str, *, bold: bool) -> str:
    return rect(x, middle - BOX_HEIGHT / 2, width, BOX_HEIGHT) + text(x + 10, middle + 4, words, bold=bold)


def _words(tie: DrawnTie[K]) -> str:
    """The end of a long name says more than its beginning: a disk's file stands behind its folder."""
    kind = WORDS.get(tie.kind, tie.kind)
    room = TIE_LETTERS - len(kind) - 2
    what = tie.what if len(tie.what) <= room else "\u2026" + tie.what[1 - room :]
    return f"{kind}: {what}"
