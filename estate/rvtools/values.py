"""Cells as values: numbers with separators of any locale, sizes, booleans, times, lists. What cannot be read raises BadCell.

Times in a workbook carry no zone; they are taken as UTC, which is off by at most 14 hours.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from estate.facts.unknown import Unknown
from estate.sheets import Cell

MIB = 1 << 20
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([,.'’ \u00a0\u202f])\d{3})(?:\1\d{3})*(?:(?!\1)[.,]\d{1,2})?", re.ASCII)
_PLAIN = re.compile(r"[+-]?\d{1,18}(?:[.,]\d{1,2})?", re.ASCII)
_SEPARATORS = re.compile(r"[,.'’ \u00a0\u202f]")
_DECIMALS = re.compile(r"[.,]\d{1,2}$")
_TRUTH = {
    **dict.fromkeys((True, 1, "true", "True", "TRUE", "yes", "Yes", "1"), True),
    **dict.fromkeys((False, 0, "false", "False", "FALSE", "no", "No", "0"), False),
}
_TIME = re.compile(
    r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{1,4})(?:[ T,]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:\.\d+)?)?\s*([AaPp][Mm])?)?Z?",
    re.ASCII,
)


class BadCell(ValueError):
    """A cell that is not what its column holds; the message says why."""


def text(cell: Cell) -> str:
    """The cell as text; a number without a fraction as a spreadsheet shows it."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def integer(cell: Cell) -> int:
    """A whole number; fractions are rounded. Raises: BadCell."""
    if isinstance(cell, bool):
        raise BadCell("is true or false, where a number is expected")
    if isinstance(cell, int | float):
        if not -1e18 < cell < 1e18:
            raise BadCell(f"{cell} is no number that a machine has")
        return round(cell)
    if not isinstance(cell, str):
        raise BadCell("is a date, where a number is expected")
    return _number_in(cell.strip())


def _number_in(said: str) -> int:
    if _PLAIN.fullmatch(said):
        return round(float(said.replace(",", ".")))
    if _GROUPED.fullmatch(said) and len(said) < 40:
        return int(_SEPARATORS.sub("", _DECIMALS.sub("", said)))
    raise BadCell(f"{said[:60]!r} is no number")


def amount(cell: Cell) -> int:
    """A whole number that is not negative. Raises: BadCell."""
    found = integer(cell)
    if found < 0:
        raise BadCell(f"{found} is negative")
    return found


def mib(cell: Cell) -> int:
    """MiB as bytes. Raises: BadCell."""
    return amount(cell) * MIB


def limit(cell: Cell) -> int | None:
    """A limit; None for -1, which means unlimited. Raises: BadCell."""
    found = integer(cell)
    return None if found < 0 else found


def mib_limit(cell: Cell) -> int | None:
    """A limit in MiB as bytes; None for unlimited. Raises: BadCell."""
    found = limit(cell)
    return None if found is None else found * MIB


def boolean(cell: Cell) -> bool:
    """True or false, as a boolean or in words. Raises: BadCell."""
    try:
        return _TRUTH[cell]
    except KeyError:
        pass
    found = _TRUTH.get(text(cell).lower())
    if found is None:
        raise BadCell(f"{text(cell)[:60]!r} is neither true nor false")
    return found


def listed(cell: Cell) -> tuple[str, ...]:
    """Names separated by commas, semicolons or spaces."""
    return tuple(part for part in re.split(r"[,;\s]+", text(cell)) if part)


def names(cell: Cell) -> tuple[str, ...]:
    """Names that may hold spaces, separated by commas or semicolons."""
    return tuple(part.strip() for part in re.split(r"[,;]", text(cell)) if part.strip())


def moment(cell: Cell) -> datetime | Unknown:
    """A time; Unknown when day and month cannot be told apart. Raises: BadCell."""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=UTC)
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    said = text(cell)
    found = _TIME.fullmatch(said)
    if found is None:
        raise BadCell(f"{said[:60]!r} is no date")
    day = _day_of(found[1], found[2], found[3], found[4])
    if day is None:
        return Unknown(f"{said!r} may be day and month or month and day")
    try:
        return datetime(*day, _hour_of(found), int(found[6] or 0), int(found[7] or 0), tzinfo=UTC)
    except ValueError as error:
        raise BadCell(f"{said[:60]!r} is no date: {error}") from error


def _day_of(first: str, separator: str, second: str, last: str) -> tuple[int, int, int] | None:
    """Year, month, day; None when nobody can tell. Dots and dashes put the day first, slashes do not say."""
    a, b, c = int(first), int(second), int(last)
    if len(first) == 4:
        return a, b, c
    if separator == "." or a > 12:
        return c, b, a
    if b > 12:
        return c, a, b
    return (c, b, a) if a == b else None


def _hour_of(found: re.Match[str]) -> int:
    hour, half = int(found[5] or 0), (found[8] or "").lower()
    return hour % 12 + 12 * (half == "pm") if half else hour


def known_or(value: Any, otherwise: Any) -> Any:
    """The value, or another one where nobody knows it."""
    return otherwise if isinstance(value, Unknown) else value
