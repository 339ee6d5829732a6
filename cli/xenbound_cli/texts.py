"""Texts for a terminal: server texts made harmless, figures with units, times, widths. Pure.

Names of machines come from foreign systems: what could move the cursor or turn the reading direction is taken out.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

# Cc and Cf move the cursor or turn the reading direction, Cs cannot be encoded, Zl and Zp break lines.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
NOTHING = "-"


def clean(text: object) -> str:
    """The text on one line without control, format and surrogate characters; line breaks and tabs become blanks."""
    spaced = str(text).replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    return "".join(character for character in spaced if unicodedata.category(character) not in _UNPRINTABLE)


def cell(value: Any) -> str:
    """Any value of an answer as a table shows it. A fact nobody could read shows as `unknown`."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "unknown" if set(value) == {"unknown"} else ", ".join(f"{clean(k)}={cell(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(f"({cell(part)})" if isinstance(part, dict) else cell(part) for part in value)
    return clean(value)


def width(text: str) -> int:
    """Columns the text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)


def size(count_bytes: Any) -> str:
    """`4.0 GiB` from a number of bytes; anything else as `cell` shows it."""
    if isinstance(count_bytes, bool) or not isinstance(count_bytes, int | float):
        return cell(count_bytes)
    amount, unit = float(count_bytes), 0
    while amount >= 1024 and unit < len(_BYTE_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} B" if unit == 0 else f"{amount:.1f} {_BYTE_UNITS[unit]}"


def moment(text: Any) -> str:
    """`2026-11-22 19:05 UTC` from an ISO 8601 time."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return cell(text)
    return cell(text) if at.tzinfo is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def span(seconds: float) -> str:
    """`42 s`, `3 min 05 s`, `2 h 10 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def count(number: int, one: str, many: str = "") -> str:
    """`1 machine`, `3 machines`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
