"""Event 12290 of the log *Key Management Service*: one client asked.

The CMID is the first GUID; the fields around it are found from there, because some systems deliver one string, others
separate insertion strings with extra leading ones. Source: Microsoft Learn, event table ff793440.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any  # insertion strings come as whatever JSON type PowerShell gave them
from uuid import UUID

from msgspec.structs import replace

from estate.facts.kms import KmsContact
from estate.facts.productkey import without_product_keys
from estate.facts.unknown import UNKNOWN, Unknown
from estate.kmshost.errors import CLOCK_TOLERANCE, UploadRefused
from estate.kmshost.fields import TEXT_LIMIT_CHARS, UINT32_MAX, JsonObject

FIELDS_LIMIT = 64
HIGHEST_N = 1000  # ours: products ask for 5 or 25; a larger figure is a field that slipped
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NAME_LIMIT_CHARS = 255
_FIELDS_BEFORE_CMID = 3  # HRESULT, N, name
_FIELDS_AFTER_CMID = 5  # client time, VM flag, licence state, minutes, activation id
_HIGHEST_LICENSE_STATE = 6


def read_contact(event: JsonObject) -> KmsContact | None:
    """The request an event tells of; None when it names no client as event 12290 does.

    The event's own time is the time of the request: the client's has neither zone nor stable format.
    Raises UploadRefused when the entry is not an event of the collection script at all.
    """
    return contact_of(_fields(event), event.time("t"), event.number("id"))


def contact_of(fields: list[str], seen_at: datetime, record_id: int | Unknown) -> KmsContact | None:
    """The request that these fields tell of, wherever they begin; None when they name no client."""
    position = next((n for n, field in enumerate(fields) if _GUID.fullmatch(field)), None)
    if position is None or position < _FIELDS_BEFORE_CMID or len(fields) < position + 1 + _FIELDS_AFTER_CMID:
        return None
    before = fields[position - _FIELDS_BEFORE_CMID : position]
    after = fields[position + 1 : position + 1 + _FIELDS_AFTER_CMID]
    return _contact(str(UUID(fields[position])), before, after, seen_at, record_id)


def settled(contacts: list[KmsContact], collected_at: datetime, where: str) -> tuple[KmsContact, ...]:
    """The requests in order of time, none later than the file. Raises UploadRefused where one is later than clocks explain."""
    latest = max((contact.seen_at for contact in contacts), default=collected_at)
    if latest > collected_at + CLOCK_TOLERANCE:
        problem = (
            f"holds an event of {latest:%Y-%m-%d %H:%M} UTC, after the time of collection ({collected_at:%Y-%m-%d %H:%M} UTC)"
        )
        raise UploadRefused(where, problem)
    # A clock a little ahead, or a request while the script ran: nothing in a reading is later than the reading itself.
    moved = (replace(contact, seen_at=min(contact.seen_at, collected_at)) for contact in contacts)
    return tuple(sorted(moved, key=lambda contact: contact.seen_at))


def _contact(cmid: str, before: list[str], after: list[str], seen_at: datetime, record_id: int | Unknown) -> KmsContact | None:
    result, required = _number(before[0]), _number(before[1])
    vm_flag, state, minutes = (_number(field) for field in after[1:4])
    if result is None or required is None or not 1 <= required <= HIGHEST_N or not _GUID.fullmatch(after[4]):
        return None
    if vm_flag not in (0, 1) or state is None or state > _HIGHEST_LICENSE_STATE:
        return None
    return KmsContact(
        cmid=cmid,
        machine_name=before[2],
        required_count=required,
        seen_at=seen_at,
        is_vm=vm_flag == 1,
        result_code=f"0x{result:08X}",
        license_state=state,
        minutes_to_expiration_min=UNKNOWN if minutes is None else minutes,
        activation_id=after[4].lower(),
        record_id=record_id,
    )


def _fields(event: JsonObject) -> list[str]:
    value = event.member("d")
    listed: list[Any] = value if isinstance(value, list) else [value]
    if len(listed) > FIELDS_LIMIT:
        raise UploadRefused(event.at("d"), f"holds {len(listed)} fields, an event 12290 has 9")
    return [field for part in listed for field in _split(part, event.at("d"))]


def _split(part: Any, place: str) -> list[str]:
    """One insertion string as its fields: a whole event in one string is cut at its commas."""
    if isinstance(part, Unknown):
        raise UploadRefused(place, "the fields of the event are missing")
    if isinstance(part, bool):
        return [str(int(part))]
    if part is None or isinstance(part, float | dict | list):
        return [""]
    text = str(part)
    if len(text) > TEXT_LIMIT_CHARS:
        raise UploadRefused(place, f"is {len(text)} characters long, at most {TEXT_LIMIT_CHARS} are read")
    return fields_of(text)


def fields_of(text: str) -> list[str]:
    """A text that holds a whole event cut at its commas; any other text is one field."""
    fields = text.split(",") if _GUID.search(text) else [text]
    return [_clean(field) for field in fields[:FIELDS_LIMIT]]


def names_a_client(text: str) -> bool:
    """Whether a text holds a whole event: the client's id and the activation id."""
    return len(_GUID.findall(text)) >= 2 and "," in text


def _clean(field: str) -> str:
    text = "".join(character for character in field if character.isprintable()).strip()
    return without_product_keys(text).strip("{}")[:_NAME_LIMIT_CHARS]


def _number(field: str) -> int | None:
    """A uint32 written as PowerShell or the log does: `5`, `0x0`, or a negative HRESULT."""
    if not re.fullmatch(r"-?[0-9]{1,10}|0x[0-9A-Fa-f]{1,8}", field):
        return None
    number = int(field, 0) if field.startswith("0x") else int(field)
    return number % (UINT32_MAX + 1) if -(2**31) <= number <= UINT32_MAX else None
