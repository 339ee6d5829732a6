"""A bar of shares as an SVG: how many machines are in which state, told by width, word and pattern, not by colour alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from migration.reports.core.document import Tone

WIDTH, BAR_HEIGHT, HEIGHT = 700, 34, 84
FILLS = {Tone.GOOD: "#8fcf9f", Tone.CAUTION: "#f2cf73", Tone.BAD: "#ec9a9a", Tone.UNKNOWN: "#c9c9d2", Tone.PLAIN: "#dddddd"}
MARKS = {Tone.GOOD: "✓", Tone.CAUTION: "!", Tone.BAD: "✗", Tone.UNKNOWN: "?", Tone.PLAIN: ""}


@dataclass(frozen=True, slots=True)
class Share:
    words: str
    count: int
    tone: Tone


def shares_svg(shares: Iterable[Share]) -> str:
    """An SVG 1.1 picture of 700 x 84 units: one bar cut into shares, and under it a legend with the counts."""
    shares = tuple(shares)
    total = sum(share.count for share in shares) or 1
    parts, left = [], 0.0
    for number, share in enumerate(shares):
        width = WIDTH * share.count / total
        parts.append(
            f'<rect x="{left:.1f}" y="0" width="{width:.1f}" height="{BAR_HEIGHT}" fill="{FILLS[share.tone]}" stroke="#ffffff"/>'
        )
        parts.append(_legend(number * WIDTH / max(len(shares), 1), share))
        left += width
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        + "".join(parts)
        + "</svg>"
    )


def _legend(x: float, share: Share) -> str:
    words = escape(f"{share.count} {MARKS[share.tone]} {share.words}")
    return (
        f'<rect x="{x:.1f}" y="50" width="14" height="14" fill="{FILLS[share.tone]}"/>'
        f'<text x="{x + 20:.1f}" y="62" font-family="sans-serif" font-size="14" fill="#1c1c22">{words}</text>'
    )
