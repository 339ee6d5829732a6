"""Between wire values and the types of the datamodel: strict going in, plain Python coming out.

Inside the lab an int is an int, a datetime an aware UTC datetime, an enum and a ref a str. The encoders (wire_xml,
wire_json) take it from there.
"""

from __future__ import annotations

import datetime
import re
import xmlrpc.client
from typing import Any

from lab.xapi_sim import tables
from lab.xapi_sim.failure import NULL, XapiFailure

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
DATE_FORMAT = "%Y%m%dT%H:%M:%SZ"


class Int32(int):
    """An integer that the real server sends as `<i4>` and not as a decimal string."""


def blank(type_: str) -> Any:
    """The empty value of a datamodel type."""
    if type_.startswith("ref "):
        return NULL
    if type_.startswith("enum "):
        return tables.enums()[type_[5:]][0]
    if type_.startswith("set<"):
        return []
    if type_.startswith(("map<", "record ")):
        return {}
    return {"string": "", "int": 0, "float": 0.0, "bool": False, "datetime": EPOCH}[type_]


def default_of(field: tables.Field) -> Any:
    """The value a field has when nobody set it."""
    if field.default is tables.NO_DEFAULT:
        return blank(field.type)
    return coerce(field.type, field.default, field.name)


def coerce(type_: str, value: Any, name: str) -> Any:
    """Turn a wire value (XML-RPC or JSON) into the lab's value of `type_`.

    Raises:
        XapiFailure: FIELD_TYPE_ERROR [name] when the value is not of that type.
    """
    try:
        return _coerce(type_, value)
    except (TypeError, ValueError, KeyError) as error:
        raise XapiFailure("FIELD_TYPE_ERROR", name) from error


def _coerce(type_: str, value: Any) -> Any:
    if type_.startswith("set<"):
        return [_coerce(type_[4:-1], each) for each in _expect(list, value)]
    if type_.startswith("map<"):
        key_type, _, value_type = type_[4:-1].partition(",")
        pairs = _expect(dict, value).items()
        return {str(_coerce(key_type, k)): _coerce(value_type, v) for k, v in pairs}
    if type_.startswith("record "):
        return _expect(dict, value)
    if type_.startswith("enum "):
        return _enum_value(type_[5:], _expect(str, value))
    if type_.startswith("ref "):
        return _expect(str, value) or NULL
    return _SCALARS[type_](value)


def _enum_value(enum: str, value: str) -> str:
    for known in tables.enums()[enum]:
        if known.lower() == value.lower():
            return known
    raise ValueError(value)


def _expect(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(value)
    return value


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(value)
    if isinstance(value, str) and not re.fullmatch(r"-?\d+", value):
        raise ValueError(value)
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _datetime(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    text = value.value if isinstance(value, xmlrpc.client.DateTime) else _expect(str, value)
    digits = re.sub(r"[-:]", "", text).removesuffix("Z")
    parsed = datetime.datetime.strptime(digits, "%Y%m%dT%H%M%S")  # noqa: DTZ007 the API's times are UTC by definition
    return parsed.replace(tzinfo=datetime.UTC)


_SCALARS = {
    "string": lambda value: _expect(str, value),
    "int": _int,
    "float": _float,
    "bool": lambda value: _expect(bool, value),
    "datetime": _datetime,
}
