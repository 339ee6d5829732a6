"""Reading the record passed to a `create`: required keys, types, and what a client may not set."""

from __future__ import annotations

from typing import Any

from lab.xapi_sim import tables
from lab.xapi_sim.failure import internal
from lab.xapi_sim.values import coerce


def constructor_values(class_name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The values a client may give at creation, in the lab's types; other keys are ignored.

    Raises:
        XapiFailure: INTERNAL_ERROR naming the first missing key without a default; FIELD_TYPE_ERROR.
    """
    values: dict[str, Any] = {}
    for field in tables.classes()[class_name].fields.values():
        if field.access == "R" or field.state == "removed":
            continue
        if field.name in record:
            values[field.name] = coerce(field.type, record[field.name], field.name)
        elif field.required:
            raise internal(f"Failure(Field not present in {class_name} record: {field.name})")
    return values
