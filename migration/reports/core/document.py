"""The tree of a report: a title page and blocks in order. HTML, PDF and JSON are made from this one tree.

Blocks carry plain text; escaping is each renderer's duty. Times are written in UTC by whoever builds the tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    """How a word is set apart; renderers use shape and word, never colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    level: int = 1
    kind: str = "heading"


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    kind: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a section in one line."""

    text: str
    tone: Tone
    kind: str = "verdict"


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under column titles; `widths` are relative."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[int, ...]
    empty: str = "Nothing to list."
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Figures:
    """Key figures: (label, value) pairs."""

    pairs: tuple[tuple[str, str], ...]
    kind: str = "figures"


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG 1.1 picture with what it shows in words."""

    svg: str
    caption: str
    kind: str = "picture"


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows starts on a new page where there are pages."""

    kind: str = "page_break"


Block = Heading | Paragraph | Verdict | Table | Figures | Picture | PageBreak


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    customer: str
    project: str
    made_at: str
    made_by: str
    blocks: tuple[Block, ...] = field(default=())


def row(*cells: str | Cell) -> tuple[Cell, ...]:
    """A table row; plain strings become plain cells."""
    return tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in cells)
