"""Tags of a vCenter: the one part of an estate that SOAP does not tell. Read over its REST interface, in a session of its own.

vCenter 7.0 U2 and later speak `/api`; older ones, which answer 404 there, speak `/rest` with other shapes. An ESXi has no tags.
Source: vSphere Automation API, services cis.session and cis.tagging.
"""

from __future__ import annotations

import base64
import http.client
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import structlog

from estate.connection import Connection
from estate.errors import AskPerson, EdgeError, Retry
from estate.facts.unknown import Unknown
from estate.tls import PinnedHTTPSConnection, host_and_port, line_error
from estate.vsphere.errors import bad_answer, http_status_error
from estate.vsphere.session import VsphereSession

T = TypeVar("T")
Tags = dict[str, tuple[str, ...]]
"""By moref value, the tags of an object as `category:name`, sorted."""

ANSWER_LIMIT_BYTES = 64 << 20
TAGS_PER_CALL = 200
MOST_TAGS = 10_000
TIMEOUT_S = 60.0
NO_SUCH_SERVICE = (400, 404, 405, 501)
ESXI_HAS_NONE = Unknown("only a vCenter keeps tags, and this is an ESXi", everywhere=True)
log = structlog.get_logger(__name__)


class Named(msgspec.Struct, frozen=True):
    """A category, or a tag with the id of its category."""

    id: str
    name: str
    category_id: str = ""


class ObjectId(msgspec.Struct, frozen=True):
    """What a tag is attached to; `id` is a moref value."""

    id: str
    type: str


class Attached(msgspec.Struct, frozen=True):
    """One tag and everything it is attached to."""

    tag_id: str
    object_ids: tuple[ObjectId, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where a generation of vCenters has its services, and whether its answers are wrapped in `{"value": ...}`."""

    session: str
    tagging: str
    action: str
    by_id: str
    wrapped: bool


NEW = Dialect("/api/session", "/api/cis/tagging", "action", "/", wrapped=False)
OLD = Dialect("/rest/com/vmware/cis/session", "/rest/com/vmware/cis/tagging", "~action", "/id:", wrapped=True)


def tags_at(tags: Tags | Unknown, native_id: str) -> tuple[str, ...] | Unknown:
    """Those of one object."""
    return tags if isinstance(tags, Unknown) else tags.get(native_id, ())


def read_tags(connection: Connection, *, alive: Callable[[], None] | None = None) -> Tags:
    """The tags of every object. `alive` is called before each request.

    Raises:
        AskPerson: the account may not read them, there are more than `MOST_TAGS`, or the server has no such interface.
        Retry: the line failed, or the answer is not what it should be.
    """
    with TagDesk(connection, alive) as desk:
        ids = desk.tag_ids()
        if len(ids) > MOST_TAGS:
            raise AskPerson(
                f"{desk.where} has {len(ids)} tags; {MOST_TAGS} are read at most",
                code="too_many_tags",
                next_step="Look at the tags in the vSphere Client.",
                where=desk.where,
            )
        found: dict[str, set[str]] = {}
        for start in range(0, len(ids), TAGS_PER_CALL):
            for each in desk.attached(ids[start : start + TAGS_PER_CALL]):
                for target in each.object_ids or ():
                    found.setdefault(target.id, set()).add(desk.title(each.tag_id))
    return {native_id: tuple(sorted(titles)) for native_id, titles in found.items()}


class TagDesk:
    """One REST session with the endpoint's account; it is ended when the context is left."""

    def __init__(self, connection: Connection, alive: Callable[[], None] | None) -> None:
        host, port = host_and_port(connection.url)
        self.where = connection.name or connection.url
        self._connection, self._alive = connection, alive
        self._line = PinnedHTTPSConnection(host, port, pins=connection.pins, timeout_s=TIMEOUT_S, where=self.where)
        self._dialect, self._token = NEW, ""
        self._titles: dict[str, str] = {}
        self._categories: dict[str, str] = {}

    def __enter__(self) -> TagDesk:
        try:
            self._log_in()
        except BaseException:
            self._line.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._send("DELETE", self._dialect.session)
        except EdgeError as error:
            log.warning("vsphere.rest_logout_failed", endpoint=self.where, code=error.code)
        finally:
            self._line.close()

    def tag_ids(self) -> list[str]:
        """Those of all tags; some servers say null for an empty list."""
        return self._read(self._asked("GET", f"{self._dialect.tagging}/tag"), list[str]) or []

    def attached(self, tag_ids: list[str]) -> list[Attached]:
        """What these tags are attached to."""
        path = f"{self._dialect.tagging}/tag-association?{self._dialect.action}=list-attached-objects-on-tags"
        return self._read(self._asked("POST", path, {"tag_ids": tag_ids}), list[Attached]) or []

    def title(self, tag_id: str) -> str:
        """`category:name` of a tag."""
        if tag_id not in self._titles:
            tag = self._named("tag", tag_id)
            if tag.category_id not in self._categories:
                self._categories[tag.category_id] = self._named("category", tag.category_id).name
            self._titles[tag_id] = f"{self._categories[tag.category_id]}:{tag.name}"
        return self._titles[tag_id]

    def _named(self, what: str, its_id: str) -> Named:
        status, body = self._asked_anyhow("GET", f"{self._dialect.tagging}/{what}{self._dialect.by_id}{quote(its_id, safe=':')}")
        if status == 404:
            raise Retry(
                f"{self.where}: {what} {its_id} went away while tags were read",
                code="changed_meanwhile",
                next_step="Nothing: they are read with the next reading.",
                where=self.where,
            )
        if status != 200:
            raise self._refused(status)
        found = self._read(body, Named)
        if found is None:
            raise bad_answer(f"it says nothing of {what} {its_id}", where=self.where)
        return found

    def _log_in(self) -> None:
        account = f"{self._connection.username}:{self._connection.password}".encode()
        basic = f"Basic {base64.b64encode(account).decode()}"
        status, body = self._send("POST", NEW.session, authorization=basic)
        if status in NO_SUCH_SERVICE:
            self._dialect = OLD
            status, body = self._send("POST", OLD.session, authorization=basic)
        if status not in (200, 201):
            raise self._refused(status)
        self._token = self._read(body, str) or ""

    def _asked_anyhow(self, method: str, path: str, content: object = None) -> tuple[int, bytes]:
        if self._alive is not None:
            self._alive()
        return self._send(method, path, content)

    def _asked(self, method: str, path: str, content: object = None) -> bytes:
        status, body = self._asked_anyhow(method, path, content)
        if status != 200:
            raise self._refused(status)
        return body

    def _send(self, method: str, path: str, content: object = None, *, authorization: str = "") -> tuple[int, bytes]:
        sent = {"Accept": "application/json"}
        if authorization:
            sent["Authorization"] = authorization
        if self._token:
            sent["vmware-api-session-id"] = self._token
        if content is not None:
            sent["Content-Type"] = "application/json"
        try:
            self._line.request(method, path, None if content is None else msgspec.json.encode(content), sent)
            answer = self._line.getresponse()
            body = answer.read(ANSWER_LIMIT_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            self._line.close()
            raise line_error(error, where=self.where) from error
        if len(body) > ANSWER_LIMIT_BYTES:
            self._line.close()
            raise bad_answer(f"its list of tags is larger than {ANSWER_LIMIT_BYTES} bytes", where=self.where)
        return answer.status, body

    def _read(self, body: bytes, kind: type[T]) -> T | None:
        try:
            told: Any = msgspec.json.decode(body)
            value = told["value"] if self._dialect.wrapped else told
            return None if value is None else msgspec.convert(value, kind)
        except (msgspec.DecodeError, KeyError, TypeError, RecursionError) as error:
            raise bad_answer(f"its tags are not told as they should be ({error})", where=self.where) from error

    def _refused(self, status: int) -> AskPerson | Retry:
        if status in (401, 403):
            return AskPerson(
                f"{self.where} does not let this account read tags (HTTP {status})",
                code="tags_refused",
                next_step="Give the account the role Read-only at the vCenter itself, with its tagging objects.",
                where=self.where,
            )
        if status == 404:
            return AskPerson(
                f"{self.where} has no REST interface that tells tags",
                code="tags_not_served",
                next_step="Update the vCenter to 6.5 or later, or live without its tags.",
                where=self.where,
            )
        return http_status_error(status, "", where=self.where)


def tags_of(session: VsphereSession, *, alive: Callable[[], None] | None) -> Tags | Unknown:
    """The tags of every object of a vCenter; why nobody knows them where they cannot be read.

    An ESXi keeps none, and knows nothing of those that its vCenter keeps for the same machines.
    """
    if not session.about.is_vcenter:
        return ESXI_HAS_NONE
    try:
        return read_tags(session.connection, alive=alive)
    except EdgeError as error:
        log.warning("vsphere.tags_unread", endpoint=session.where, code=error.code)
        return Unknown(f"tags could not be read: {error.message}", everywhere=True)
