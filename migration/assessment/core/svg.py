"""What the drawings share: plain SVG 1.1 in one ink, no CSS, no fonts of our own; words stay words, whatever they hold."""

from __future__ import annotations

from xml.sax.saxutils import escape

INK = "#1b2733"
FONT = 'font-family="Helvetica, Arial, sans-serif"'


def head(width: float, height: float, told: str) -> str:
    """The opening tag; `told` is what the picture says, for those who do not see it."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{safe(told)}">'


def rect(x: float, y: float, width: float, height: float, *, frame: str = "") -> str:
    """A box; `frame` are further attributes of its frame."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="#f4f6f8" stroke="{INK}"{frame}/>'


def text(x: float, y: float, words: str, *, bold: bool = False) -> str:
    """One line of words that begins at x."""
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" {FONT} font-size="12"{weight} fill="{INK}">{safe(words)}</text>'


def shortened(words: str, letters: int) -> str:
    return words if len(words) <= letters else words[: letters - 1] + "\u2026"


def safe(words: str) -> str:
    """Words for XML: markup escaped, characters that XML does not allow replaced."""
    return escape("".join(letter if letter.isprintable() else "\ufffd" for letter in words), {'"': "&quot;"})
