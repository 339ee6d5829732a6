"""Draws a group as plain SVG 1.1: its machines on the left, what ties them on the right, a line for each part in a tie.

Kinds of ties are told by words and by stroke, never by colour alone. No CSS, no fonts of our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from xml.sax.saxutils import escape

K = TypeVar("K")
WIDTH, ROW, BOX_HEIGHT, MARGIN = 760, 44, 32, 12
MACHINE_WIDTH, TIE_WIDTH, LETTERS, TIE_LETTERS = 250, 330, 32, 46
INK = "#1b2733"
FONT = 'font-family="Helvetica, Arial, sans-serif"'
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
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{_safe(names)}">',
        *_lines(left, ties, right),
        *(_box(MARGIN, left[key], MACHINE_WIDTH, _shortened(name, LETTERS), bold=True) for key, name in machines.items()),
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
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<rect x="{x:g}" y="{middle - BOX_HEIGHT / 2:g}" width="{width}" height="{BOX_HEIGHT}" rx="4" fill="#f4f6f8"'
        f' stroke="{INK}"/><text x="{x + 10:g}" y="{middle + 4:g}" {FONT} font-size="12"{weight} fill="{INK}">'
        f"{_safe(words)}</text>"
    )


def _words(tie: DrawnTie[K]) -> str:
    """The end of a long name says more than its beginning: a disk's file stands behind its folder."""
    kind = WORDS.get(tie.kind, tie.kind)
    room = TIE_LETTERS - len(kind) - 2
    what = tie.what if len(tie.what) <= room else "\u2026" + tie.what[1 - room :]
    return f"{kind}: {what}"


def _shortened(words: str, letters: int) -> str:
    return words if len(words) <= letters else words[: letters - 1] + "\u2026"


def _safe(words: str) -> str:
    """Words for XML: markup escaped, characters that XML does not allow replaced."""
    return escape("".join(letter if letter.isprintable() else "\ufffd" for letter in words), {'"': "&quot;"})
