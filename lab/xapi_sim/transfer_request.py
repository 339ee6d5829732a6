"""Reading a disk transfer's request and deciding, before any byte of disk moves, where it goes.

Refusals and redirects are decided here; the bytes are transfer_import.py's and transfer_export.py's. Source:
import_raw_vdi.ml and importexport.ml.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from lab.xapi_sim import tables
from lab.xapi_sim.calls_vdi import make_vdi
from lab.xapi_sim.failure import NULL, XapiFailure, internal
from lab.xapi_sim.pool import Pool

NEEDED_ROLE = "vm-admin"


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Path, headers in lower case, and parameters from query and cookies together."""

    target: str
    headers: Mapping[str, str]
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer that ends the transfer before it began."""

    status: int
    reason: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A transfer that may start: on which VDI, under which task."""

    vdi: str
    task: str
    chunked: bool = False
    format: str = "raw"


def read_request(target: str, headers: Mapping[str, str]) -> TransferRequest:
    """Collect what the handlers need from the request line and headers."""
    lower = {name.lower(): value for name, value in headers.items()}
    try:
        cookies = SimpleCookie(lower.get("cookie", ""))
    except CookieError:
        cookies = SimpleCookie()
    from_cookies = {name: morsel.value for name, morsel in cookies.items()}
    query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
    return TransferRequest(target, lower, from_cookies | query)


def admit(pool: Pool, host: str, request: TransferRequest, *, importing: bool) -> Reply | Ticket:
    """Check credentials, VDI, reachability and format, in that order.

    A refusal after the credentials fails the task as well, when one was given.
    """
    role = _role(pool, request)
    if role is None:
        return Reply(401, "Unauthorized", {"WWW-Authenticate": 'Basic realm="XenServer"'})
    if not tables.role_allows(role, NEEDED_ROLE):
        return Reply(403, "Forbidden")
    task = _task(pool, host, request, importing)
    try:
        vdi = _vdi(pool, request, importing)
    except XapiFailure as failure:
        pool.tasks.fail(task, failure.description)
        return Reply(400, "Bad Request")
    elsewhere = _redirect(pool, host, vdi, request)
    return elsewhere or _check_format(pool, request, vdi, task, importing)


def _role(pool: Pool, request: TransferRequest) -> str | None:
    if "session_id" in request.params:
        try:
            return pool.sessions.use(request.params["session_id"])
        except XapiFailure:
            return None
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return tables.ROLES[-1] if user == "root" and pool.sessions.password_is_right(user, password) else None


def _task(pool: Pool, host: str, request: TransferRequest, importing: bool) -> str:
    given = request.params.get("task_id", NULL)
    if pool.store.has("task", given):
        return given
    return pool.tasks.create("VDI.import" if importing else "VDI.export", host=host)


def _vdi(pool: Pool, request: TransferRequest, importing: bool) -> str:
    named = request.params.get("vdi")
    if named is None and importing:
        return _new_vdi(pool, request)
    if named is None:
        raise internal("Missing vdi parameter")
    if pool.store.has("VDI", named):
        return named
    if named.startswith("OpaqueRef:"):
        raise XapiFailure("HANDLE_INVALID", "VDI", named)
    return pool.store.by_uuid("VDI", named)


def _new_vdi(pool: Pool, request: TransferRequest) -> str:
    sr, uuid = request.params.get("sr_id"), request.params.get("sr_uuid")
    if uuid:
        sr = pool.store.by_uuid("SR", uuid)
    length = request.headers.get("content-length", "")
    if not sr or not length.isdigit():
        raise internal("Missing vdi, or sr_id with a Content-Length")
    values = {"name_label": "Imported VDI", "SR": sr, "virtual_size": int(length), "type": "user"}
    return make_vdi(pool, values | {"sharable": False, "read_only": False, "other_config": {}})


def _redirect(pool: Pool, host: str, vdi: str, request: TransferRequest) -> Reply | None:
    sr = pool.store.get("VDI", vdi, "SR")
    seeing = pool.plugged_hosts(sr)
    fault = pool.faults.take("redirect", lambda fault: pool.host_named(fault["to"]) != host)
    if fault:
        return _to_host(pool, pool.host_named(fault["to"]), request)
    if host in seeing:
        return None
    return _to_host(pool, seeing[0], request) if seeing else Reply(500, "Internal Server Error")


def _to_host(pool: Pool, host: str, request: TransferRequest) -> Reply:
    address = pool.store.get("host", host, "address")
    return Reply(302, "Found", {"Location": f"https://{address}:{pool.port}{request.target}"})


def _check_format(pool: Pool, request: TransferRequest, vdi: str, task: str, importing: bool) -> Reply | Ticket:
    wanted = request.params.get("format", "raw").lower()
    if wanted != "raw" and (importing or wanted != "vhd"):
        pool.tasks.fail(task, ["INTERNAL_ERROR", f"Unknown format {wanted}"])
        return Reply(404, "Not Found")
    encoding = request.headers.get("transfer-encoding")
    if importing and encoding is not None:
        pool.tasks.fail(task, ["INTERNAL_ERROR", f"Failure(import code cannot handle encoding: {encoding})"])
        return Reply(403, "Forbidden")
    return Ticket(vdi, task, "chunked" in request.params, wanted)
