"""The guest table as values: which operating system a guest id means, its template, firmware, drivers and vendor support.

Read from a versioned data file by selectors. An id the table does not know is not guessed, nor is a version nobody told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from estate.facts.unknown import Unknown


@dataclass(frozen=True, slots=True)
class GuestRow:
    """One operating system. `fit` is `exact`, `nearest` or `other`; `pv` is None where it does not apply (Linux).

    `firmware` holds what the template boots (`bios`, `uefi`, `secure_boot`). `support` is `yes`, `no`, `paid` or
    `unknown` (it hangs on more than the row tells), until the end of `supported_until` where a date is known. `identified` is
    False where the id says no more than "something else". `refuses_equal_sids`: updates refuse logons between equal SIDs.
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
    memory_min_bytes: int | None = None
    needs_vtpm: bool = False
    identified: bool = True
    refuses_equal_sids: bool = False


@dataclass(frozen=True, slots=True)
class GuestTable:
    """All rows in the order of the file; `reviewed` and `source` say where they come from."""

    version: str
    reviewed: date
    source: str
    rows: tuple[GuestRow, ...]
    _found: dict[tuple[str, str], tuple[GuestRow, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def rows_of(self, guest_id: str, full_name: str = "") -> tuple[GuestRow, ...]:
        """The rows a guest may be: one where id and name decide, several where they share the id, none for an unlisted id."""
        key = (guest_id, full_name)
        if key not in self._found:
            self._found[key] = self._look_up(guest_id, full_name)
        return self._found[key]

    def row_of(self, guest_id: str, full_name: str = "") -> GuestRow | Unknown | None:
        """The one row for a guest; None for an unlisted id, unknown where the name does not tell which of several it is."""
        rows = self.rows_of(guest_id, full_name)
        if len(rows) > 1:
            return Unknown(f"{guest_id} may be {', '.join(row.name for row in rows)}; the guest's name does not tell which")
        return rows[0] if rows else None

    def _look_up(self, guest_id: str, full_name: str) -> tuple[GuestRow, ...]:
        fitting = tuple(row for row in self.rows if any(pattern.fullmatch(guest_id) for pattern in row.guest_ids))
        named = tuple(row for row in fitting if row.reported is not None and row.reported.search(full_name))
        return named or tuple(row for row in fitting if row.reported is None) or fitting


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
        memory_min_bytes=values.get("memory_min_bytes"),
        needs_vtpm=values.get("needs_vtpm", False),
        identified=values.get("identified", True),
        refuses_equal_sids=values.get("refuses_equal_sids", False),
    )
