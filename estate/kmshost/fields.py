"""Typed reading of untrusted JSON, field by field: each value comes out in its type or the upload is refused by place.

Knows nothing of KMS. Numbers of WMI's uint32 that mean "none" become None.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn  # Any: JSON of a stranger, until a reader below has looked at it

from estate.facts.productkey import without_product_keys
from estate.facts.unknown import Unknown
from estate.kmshost.errors import SCRIPT_STEP, UploadRefused

TEXT_LIMIT_CHARS = 1024
BRACKETS_LIMIT = 1_500_000  # keeps a hostile file of empty objects from taking gigabytes; 500,000 events need 1,000,000
UINT32_MAX = 4294967295
# Source: SoftwareLicensingProduct (MS Learn): counts are -1, as uint32 4294967295, while a machine is no host or nobody asked.
NO_COUNT = frozenset({-1, UINT32_MAX})


@dataclass(frozen=True, slots=True)
class JsonObject:
    """One JSON object of the upload and its place in it, for readers that refuse by place."""

    place: str
    values: dict[str, Any]

    def at(self, key: str) -> str:
        """The place of a member."""
        return f"{self.place}.{key}" if self.place else key

    def member(self, key: str) -> Any:
        """A member as it stands; Unknown when it is absent or null."""
        value = self.values.get(key)
        return Unknown(f"{self.at(key)} is missing") if value is None else value

    def text(self, key: str) -> str | Unknown:
        """A text without full product keys."""
        value = self.member(key)
        return value if isinstance(value, Unknown) else text_of(value, self.at(key))

    def count(self, key: str) -> int | Unknown | None:
        """A uint32 count; None for the values that mean "none yet"."""
        value = self.member(key)
        if isinstance(value, Unknown):
            return value
        number = number_of(value, self.at(key), least=-1)
        return None if number in NO_COUNT else number

    def number(self, key: str) -> int | Unknown:
        """A uint32."""
        value = self.member(key)
        return value if isinstance(value, Unknown) else number_of(value, self.at(key))

    def flag(self, key: str) -> bool | Unknown:
        """A boolean, which WMI also writes as 0 or 1."""
        value = self.member(key)
        if isinstance(value, Unknown | bool):
            return value
        return number_of(value, self.at(key), most=1) == 1

    def objects(self, key: str, *, most: int) -> tuple[JsonObject, ...]:
        """A list of objects. Nulls are left out: PowerShell writes `[null]` for an empty pipeline."""
        value = self.values.get(key)
        listed = [] if value is None else value if isinstance(value, list) else [value]
        if len(listed) > most:
            raise UploadRefused(self.at(key), f"holds {len(listed)} entries, at most {most} are read")
        return tuple(object_of(entry, f"{self.at(key)}[{n}]") for n, entry in enumerate(listed) if entry is not None)

    def time(self, key: str) -> datetime:
        """A time with its zone, in UTC. There is no reading without it."""
        value = self.member(key)
        if isinstance(value, Unknown):
            raise UploadRefused(self.at(key), "the time is missing")
        return time_of(text_of(value, self.at(key)), self.at(key))


def parse_json(text: str) -> JsonObject:
    """The upload's outermost object. Raises UploadRefused naming line and column where the JSON breaks off."""
    if text.count("{") + text.count("[") > BRACKETS_LIMIT:
        raise UploadRefused("the file", f"holds more than {BRACKETS_LIMIT} objects and lists")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UploadRefused(where, f"not JSON ({error.msg}); is the file cut short?", code="kms_not_json") from error
    except RecursionError as error:
        raise UploadRefused("the file", "is nested too deeply for a reading") from error
    except ValueError as error:
        # Python refuses to turn thousands of digits into a number.
        raise UploadRefused("the file", "holds a number too long to be one") from error
    return object_of(value, "")


def _refuse_constant(name: str) -> NoReturn:
    raise UploadRefused("the file", f"holds {name}, which no reading contains")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise UploadRefused(without_product_keys(repeated)[:80], "is given twice in one object")
    return values


def object_of(value: Any, place: str) -> JsonObject:
    """The value as an object, or a refusal."""
    if not isinstance(value, dict):
        raise UploadRefused(place or "the file", f"is {_kind(value)}, a JSON object is expected", next_step=SCRIPT_STEP)
    return JsonObject(place, value)


def text_of(value: Any, place: str) -> str:
    """The value as a text of bounded length, full product keys removed."""
    if not isinstance(value, str):
        raise UploadRefused(place, f"is {_kind(value)}, a text is expected")
    if len(value) > TEXT_LIMIT_CHARS:
        raise UploadRefused(place, f"is {len(value)} characters long, at most {TEXT_LIMIT_CHARS} are read")
    if not value.isprintable():
        raise UploadRefused(place, "holds control characters")
    return without_product_keys(value)


def number_of(value: Any, place: str, *, least: int = 0, most: int = UINT32_MAX) -> int:
    """The value as a whole number in range; `true` is no number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise UploadRefused(place, f"is {_kind(value)}, a whole number is expected")
    if not least <= value <= most:
        raise UploadRefused(place, f"is outside {least} to {most}")
    return value


def time_of(text: str, place: str) -> datetime:
    """An ISO 8601 time with a zone, as aware UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UploadRefused(place, f"“{text[:40]}” is no ISO 8601 time") from error
    if time.tzinfo is None:
        raise UploadRefused(place, f"“{text[:40]}” has no time zone")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise UploadRefused(place, f"“{text[:40]}” is outside the calendar") from error


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
