"""XML-RPC as the pool speaks it: strings untagged, ints as decimal strings, Status structs, no faults.

Parsing is the standard library's; only the writing is our own, because its dialect differs from the usual one.
"""

from __future__ import annotations

import datetime
import xmlrpc.client
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from lab.xapi_sim.values import DATE_FORMAT, Int32


class NotXmlRpc(ValueError):
    """The body is not an XML-RPC method call."""


def parse_call(body: bytes) -> tuple[str, list[Any]]:
    """Method name and parameters of a request body."""
    try:
        params, method = xmlrpc.client.loads(body)
    except (ExpatError, ValueError, TypeError, xmlrpc.client.Error, UnicodeDecodeError, LookupError) as error:
        raise NotXmlRpc(str(error)) from error
    if not method:
        raise NotXmlRpc("no methodName")
    return method, list(params)


def success(value: Any) -> bytes:
    """A methodResponse with Status Success."""
    return _response({"Status": "Success", "Value": "" if value is None else value})


def failure(description: list[str]) -> bytes:
    """A methodResponse with Status Failure."""
    return _response({"Status": "Failure", "ErrorDescription": description})


def encode_value(value: Any) -> str:
    """One value as `<value>..</value>`; also the form of `task.result`."""
    pieces: list[str] = []
    _write(value, pieces.append)
    return "".join(pieces)


def _response(struct: dict[str, Any]) -> bytes:
    text = encode_value(struct)
    return f'<?xml version="1.0"?><methodResponse><params><param>{text}</param></params></methodResponse>'.encode()


def _write(value: Any, put: Any) -> None:
    if isinstance(value, str):
        put(f"<value>{escape(_legal(value))}</value>")
    elif isinstance(value, bool):
        put(f"<value><boolean>{int(value)}</boolean></value>")
    elif isinstance(value, Int32):
        put(f"<value><i4>{value}</i4></value>")
    elif isinstance(value, int):
        put(f"<value>{value}</value>")
    elif isinstance(value, float):
        put(f"<value><double>{value!r}</double></value>")
    elif isinstance(value, datetime.datetime):
        put(f"<value><dateTime.iso8601>{value.strftime(DATE_FORMAT)}</dateTime.iso8601></value>")
    elif isinstance(value, dict):
        _write_struct(value, put)
    else:
        _write_array(value, put)


def _write_struct(struct: dict[Any, Any], put: Any) -> None:
    put("<value><struct>")
    for key, value in struct.items():
        put(f"<member><name>{escape(str(key))}</name>")
        _write(value, put)
        put("</member>")
    put("</struct></value>")


def _write_array(array: Any, put: Any) -> None:
    put("<value><array><data>")
    for value in array:
        _write(value, put)
    put("</data></array></value>")


def _legal(text: str) -> str:
    """Drop what XML 1.0 cannot carry; the real server does the same for names typed by people."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff"))
