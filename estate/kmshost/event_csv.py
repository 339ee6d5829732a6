"""A CSV or tab-separated export of the log *Key Management Service*: Event Viewer's own, or PowerShell's Export-Csv.

By form: the cell that holds a whole event, the cell that is a time, the cell that says 12290. Times without a zone are the
KMS host's local ones, read at the offset told; an order of day and month that stays open is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from estate.facts.kms import KmsContact, KmsReading
from estate.facts.unknown import UNKNOWN
from estate.kmshost.errors import CLOCK_TOLERANCE, UploadRefused
from estate.kmshost.events import contact_of, fields_of, names_a_client, settled

ROWS_LIMIT = 500_000
EXPORT_STEP = (
    "Export the log again as .evtx, or run the collection script. A CSV needs the message and the time of each event; "
    "with the time as ISO 8601 in UTC nothing about it is left open."
)
_EVENT = "12290"
_OTHER_EVENT = re.compile(r"1(2[23]\d\d|\d{4})")
_DAY = re.compile(
    r"(\d{1,4})[./\-年](\d{1,2})[./\-月](\d{1,4})日?\.?,?\s+(?:(?:kl\.|um|à|a las)\s)?(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\s*(.*)"
)
_AFTERNOON = frozenset({"pm", "p.m.", "p. m.", "午後"})
_MORNING = frozenset({"am", "a.m.", "a. m.", "午前"})
_ORDERS = ("ymd", "mdy", "dmy")


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    time: str
    cells: list[str]


def looks_like_event_csv(text: str) -> bool:
    """Whether the first rows hold an event 12290."""
    return any(_EVENT in line for line in text.splitlines()[:200]) or any(map(names_a_client, text.splitlines()[:200]))


def read_event_csv(text: str, *, collected_at: datetime, utc_offset: timedelta) -> KmsReading:
    """The events as a reading that says no count of its own.

    `utc_offset` is the KMS host's distance from UTC, for times without a zone. Raises UploadRefused with the row.
    """
    rows, unreadable, others = _rows(text)
    if not rows:
        found = f"none of its {others} events is a 12290" if others else "holds no event 12290 with a time"
        raise UploadRefused("the file", found, next_step=EXPORT_STEP)
    time_of = _clock(rows, collected_at, utc_offset)
    contacts: list[KmsContact] = []
    for row in rows:
        contact = contact_of(_event_fields(row.cells), time_of(row), UNKNOWN)
        if contact is None:
            unreadable += 1
        else:
            contacts.append(contact)
    if not contacts:
        raise UploadRefused(
            "the file", f"none of its {len(rows)} events names a client the way event 12290 does", next_step=EXPORT_STEP
        )
    ordered = settled(contacts, collected_at, "the file")
    return reading_of_events(ordered, collected_at, unreadable)


def reading_of_events(
    contacts: tuple[KmsContact, ...], collected_at: datetime, unreadable: int, host_name: str = ""
) -> KmsReading:
    """A log alone: who asked when, and nothing of the host's own count."""
    return KmsReading(
        host_name=host_name,
        collected_at=collected_at,
        current_count=UNKNOWN,
        is_kms_host=UNKNOWN,
        contacts=contacts,
        log_covers_from=contacts[0].seen_at if contacts else UNKNOWN,
        contacts_unreadable=unreadable,
    )


def _rows(text: str) -> tuple[list[_Row], int, int]:
    """Rows of event 12290, how many of them have no readable time, and how many rows are of other events."""
    rows: list[_Row] = []
    without_time = others = 0
    for number, cells in enumerate(_cells(text), 1):
        if number > ROWS_LIMIT:
            raise UploadRefused("the file", f"has more than {ROWS_LIMIT} rows", next_step=EXPORT_STEP)
        trimmed = [cell.strip() for cell in cells]
        if _EVENT not in trimmed:
            others += any(_OTHER_EVENT.fullmatch(cell) for cell in trimmed)
            continue
        times = [cell for cell in trimmed if _is_time(cell)]
        if len(times) == 1 or (times and not any(names_a_client(cell) for cell in trimmed)):
            rows.append(_Row(number, times[0], trimmed))
        else:
            without_time += 1
    return rows, without_time, others


def _cells(text: str) -> list[list[str]]:
    first = next((line for line in text.splitlines()[:50] if line.strip() and not line.startswith("#TYPE")), "")
    delimiter = max("\t;,", key=first.count)
    csv.field_size_limit(1 << 20)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UploadRefused("the file", f"is no whole CSV ({error}); is it cut short?", next_step=EXPORT_STEP) from error


def _event_fields(cells: Sequence[str]) -> list[str]:
    """The fields of the one cell that holds the event; without such a cell those of all cells, one per insertion string."""
    for cell in cells:
        line = next((line for line in cell.splitlines() if names_a_client(line)), None)
        if line is not None:
            return fields_of(line.rpartition(": ")[2] if ": " in line.partition(",")[0] else line)
    return [field for cell in cells for field in fields_of(cell)]


def _is_time(cell: str) -> bool:
    return _iso(cell) is not None or _DAY.fullmatch(cell) is not None


def _iso(cell: str) -> datetime | None:
    """A time with its zone."""
    try:
        time = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo is not None and 1970 < time.year < 9000 else None


def _clock(rows: list[_Row], collected_at: datetime, utc_offset: timedelta) -> Callable[[_Row], datetime]:
    """How this file writes its times: with a zone, or in the one order of day and month in which all of them can be."""
    if all(_iso(row.time) is not None for row in rows):
        return lambda row: _iso(row.time) or collected_at
    zone = timezone(utc_offset)
    read = {order: [_local(row.time, order, zone) for row in rows] for order in _ORDERS}
    possible = [order for order, times in read.items() if _can_be(times, collected_at)]
    if not possible:
        raise UploadRefused(
            f"row {rows[0].number}", f"“{rows[0].time[:40]}” is no time before that of collection", next_step=EXPORT_STEP
        )
    if any(read[order] != read[possible[0]] for order in possible[1:]):
        raise UploadRefused(
            f"row {rows[0].number}",
            f"“{rows[0].time[:40]}” can be month and day or day and month, and no other row tells",
            code="kms_dates_ambiguous",
            next_step=EXPORT_STEP,
        )
    by_row = dict(zip((row.number for row in rows), read[possible[0]], strict=True))
    return lambda row: by_row[row.number] or collected_at


def _can_be(times: list[datetime | None], collected_at: datetime) -> bool:
    """Whether all are times before the collection and in the order a log has, up or down."""
    known = [time for time in times if time is not None]
    if len(known) < len(times) or max(known) > collected_at + CLOCK_TOLERANCE:
        return False
    return known == sorted(known) or known == sorted(known, reverse=True)


def _local(text: str, order: str, zone: timezone) -> datetime | None:
    found = _DAY.fullmatch(text)
    if found is None:
        return _iso(text)
    part = dict(zip(order, (int(each) for each in found.groups()[:3]), strict=True))
    hour, half = int(found[4]), found[7].strip().lower()
    if half and half not in _AFTERNOON | _MORNING:
        return None
    hour = hour % 12 + 12 * (half in _AFTERNOON) if half else hour
    if part["y"] < 1000:
        return None
    try:
        local = datetime(part["y"], part["m"], part["d"], hour, int(found[5]), int(found[6] or 0), tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
