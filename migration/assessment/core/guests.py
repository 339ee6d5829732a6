"""The guest table as values: which operating system a guest id means, its template, firmware, drivers and vendor support.

Read from a versioned data file by selectors. An id the table does not know is not guessed: `row_of` gives None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class GuestRow:
    """One operating system. `fit` is `exact`, `nearest` or `other`; `pv` is None where it does not apply (Linux).

    `firmware` holds what the template boots (`bios`, `uefi`, `secure_boot`). `support` is `yes`, `no` or `paid`, until
    `supported_until` where a date is known.
    """

    key: str
    name: str
    family: str
    guest_ids: tuple[re.Pattern[str], ...]
    reported: re.Pattern[str] | None
    template: str
    fit: str
    firmware: frozenset[str]
    pv: bool | None
    support: str
    supported_until: date | None = None
    vcpus_max: int | None = None
    memory_min_bytes: int | None = None
    needs_vtpm: bool = False


@dataclass(frozen=True, slots=True)
class GuestTable:
    """All rows in the order of the file; `reviewed` and `source` say where they come from."""

    version: str
    reviewed: date
    source: str
    rows: tuple[GuestRow, ...]

    def row_of(self, guest_id: str, full_name: str = "") -> GuestRow | None:
        """The row for a guest id; where several rows share it, the one whose name pattern fits `full_name`."""
        fitting = [row for row in self.rows if any(pattern.fullmatch(guest_id) for pattern in row.guest_ids)]
        named = [row for row in fitting if row.reported is not None and row.reported.search(full_name)]
        plain = [row for row in fitting if row.reported is None]
        return next(iter(named or plain), None)


def guests_from(table: Mapping[str, Any]) -> GuestTable:
    """The guest table out of a parsed data file. Raises KeyError, re.error for a file that is not one."""
    rows = tuple(_row(key, values) for key, values in table["guests"].items())
    return GuestTable(table["version"], table["reviewed"], table["source"], rows)


def _row(key: str, values: Mapping[str, Any]) -> GuestRow:
    reported = values.get("reported")
    return GuestRow(
        key=key,
        name=values["name"],
        family=values["family"],
        guest_ids=tuple(re.compile(pattern) for pattern in values["guest_ids"]),
        reported=re.compile(reported, re.IGNORECASE) if reported else None,
        template=values["template"],
        fit=values["fit"],
        firmware=frozenset(values["firmware"]),
        pv=values.get("pv"),
        support=values["support"],
        supported_until=values.get("supported_until"),
        vcpus_max=values.get("vcpus_max"),
        memory_min_bytes=values.get("memory_min_bytes"),
        needs_vtpm=values.get("needs_vtpm", False),
    )
