"""JSON-RPC 2.0 and 1.0 on /jsonrpc: native numbers, errors as the pool words them.

In 2.0 an error is `{code: 1, message: CODE, data: [params]}`; in 1.0 it is the array `[CODE, params...]`.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

from lab.xapi_sim.values import DATE_FORMAT


class NotJsonRpc(ValueError):
    """The body is not a JSON-RPC request."""


@dataclass(frozen=True, slots=True)
class JsonCall:
    """A request; `version` is 1 or 2 and decides the shape of the answer."""

    method: str
    params: list[Any]
    id: Any
    version: int


def parse_call(body: bytes) -> JsonCall:
    """Read one request object; batches are not part of the pool's dialect."""
    try:
        request = json.loads(body)
    except ValueError as error:
        raise NotJsonRpc("the body is not JSON") from error
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        raise NotJsonRpc("no method")
    params = request.get("params", [])
    if not isinstance(params, list):
        raise NotJsonRpc("params must be an array")
    return JsonCall(request["method"], params, request.get("id"), 2 if request.get("jsonrpc") == "2.0" else 1)


def success(call: JsonCall, value: Any) -> bytes:
    """The reply to a call that worked; a void result is the empty string."""
    result = "" if value is None else value
    if call.version == 2:
        return _encode({"jsonrpc": "2.0", "result": result, "id": call.id})
    return _encode({"result": result, "error": None, "id": call.id})


def failure(call: JsonCall, description: list[str]) -> bytes:
    """The reply to a call that failed with an API error."""
    if call.version == 2:
        error = {"code": 1, "message": description[0], "data": description[1:]}
        return _encode({"jsonrpc": "2.0", "error": error, "id": call.id})
    return _encode({"result": None, "error": description, "id": call.id})


def _encode(reply: dict[str, Any]) -> bytes:
    return json.dumps(reply, default=_other).encode()


def _other(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.strftime(DATE_FORMAT)
    raise TypeError(f"no JSON form for {type(value).__name__}")
