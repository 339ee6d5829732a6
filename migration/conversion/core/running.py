"""What the settings of how a project's conversions are run may be. Pure: values come in, what is wrong with them comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from migration.conversion.core.bandwidth import DAYS, SLOWEST_BYTES_PER_S, minute_of
from migration.conversion.core.verifying import policy_from

MOST_LANES = 64
MOST_DISKS_AT_ONCE = 8
MOST_WINDOWS = 100
FASTEST_BYTES_PER_S = 1 << 40
NUMBERS = {
    "per_source_host": MOST_LANES,
    "per_datastore": MOST_LANES,
    "per_pool_host": MOST_LANES,
    "per_sr": MOST_LANES,
    "disks_at_once": MOST_DISKS_AT_ONCE,
}
"""Whole numbers by name: the most of each; the least is 1."""


def problems(changes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with values of the right type: the member and a sentence."""
    for name, most in NUMBERS.items():
        if name in changes and not 1 <= changes[name] <= most:
            yield name, f"It lies between 1 and {most}."
    try:
        policy_from(changes.get("verify", "full"))
    except ValueError as wrong:
        yield "verify", str(wrong)
    if not _is_zone(changes.get("time_zone", "UTC")):
        yield (
            "time_zone",
            f"There is no time zone {changes['time_zone']!r}; write UTC or a name such as Europe/Berlin.",
        )
    yield from _window_problems(changes.get("bandwidth", ()))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # what it raises depends on how the name is wrong
        return False
    return True


def _window_problems(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for number, row in enumerate(rows):
        at = f"bandwidth.{number}"
        if number == MOST_WINDOWS:
            yield "bandwidth", f"There may be {MOST_WINDOWS} rows."
            return
        if not SLOWEST_BYTES_PER_S <= row.get("bytes_per_s", 0) <= FASTEST_BYTES_PER_S:
            yield f"{at}.bytes_per_s", f"It lies between {SLOWEST_BYTES_PER_S} and {FASTEST_BYTES_PER_S} bytes a second."
        if not set(row.get("days") or DAYS) <= set(DAYS):
            yield f"{at}.days", f"Days are {', '.join(DAYS)}."
        for name in ("from", "to"):
            try:
                minute_of(row.get(name) or "00:00")
            except ValueError as wrong:
                yield f"{at}.{name}", str(wrong)
