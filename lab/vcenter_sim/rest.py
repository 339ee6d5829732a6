"""The vCenter's REST side, as 7.0 U2 and later serve it below `/api`: sessions and tags, nothing else.

A session here is none of SOAP's. Errors have vCenter's statuses and error types; what it would refuse is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lab.control import RequestLog
from lab.vcenter_sim.center import Center

ROOT = "/api/"
SESSION_HEADER = "vmware-api-session-id"
_TAGGING = "/api/cis/tagging/"
_TYPES = {"vm": "VirtualMachine", "host": "HostSystem", "cluster": "ClusterComputeResource", "datastore": "Datastore",
          "network": "Network"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON value; None is an empty body."""

    status: int
    value: Any = None

    @property
    def body(self) -> bytes:
        return b"" if self.value is None else json.dumps(self.value).encode()


@dataclass(slots=True)
class RestDesk:
    """Answers requests below `/api` for one vCenter."""

    center: Center
    log: RequestLog
    _tokens: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes, peer: str) -> Answer:
        """One request; the log has its path, never its headers."""
        parts = urlsplit(target)
        self.log.record("vcenter", peer, method, parts.path)
        if parts.path == f"{ROOT}session":
            return self._session(method, headers)
        with self._lock:
            known = headers.get(SESSION_HEADER, "") in self._tokens
        if not known:
            return _error(401, "UNAUTHENTICATED")
        if not parts.path.startswith(_TAGGING):
            return _error(404, "NOT_FOUND")
        if self.center.faults.standing.get("tags_refused") is not None:
            return _error(403, "UNAUTHORIZED")
        return self._tagging(method, parts.path.removeprefix(_TAGGING), parse_qs(parts.query), body)

    def sessions(self) -> int:
        """How many sessions nobody has ended."""
        with self._lock:
            return len(self._tokens)

    def _session(self, method: str, headers: Mapping[str, str]) -> Answer:
        if method == "DELETE":
            with self._lock:
                self._tokens.discard(headers.get(SESSION_HEADER, ""))
            return Answer(204)
        if method != "POST":
            return _error(404, "NOT_FOUND")
        user, _, password = _basic(headers.get("Authorization", "")).partition(":")
        login = self.center.sessions.login(user, password)
        if login is None:
            return _error(401, "UNAUTHENTICATED")
        self.center.sessions.end(login)  # only the password was asked for: this session is not SOAP's
        token = uuid.uuid4().hex
        with self._lock:
            self._tokens.add(token)
        return Answer(201, token)

    def _tagging(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        kind, _, its_id = path.partition("/")
        if kind == "tag-association" and method == "POST" and query.get("action") == ["list-attached-objects-on-tags"]:
            return self._attached(body)
        if method != "GET" or kind not in ("tag", "category"):
            return _error(404, "NOT_FOUND")
        held = self._tags() if kind == "tag" else self._categories()
        if not its_id:
            return Answer(200, list(held))
        return Answer(200, held[its_id]) if its_id in held else _error(404, "NOT_FOUND")

    def _categories(self) -> dict[str, dict[str, Any]]:
        names = dict.fromkeys(tag.category for tag in self.center.places.estate.tags)
        return {
            _urn("Category", name): {"id": _urn("Category", name), "name": name, "description": "", "cardinality": "MULTIPLE",
                                     "associable_types": [], "used_by": []}
            for name in names
        }  # fmt: skip

    def _tags(self) -> dict[str, dict[str, Any]]:
        return {
            (urn := _urn("Tag", f"{tag.category}/{tag.name}")): {
                "id": urn,
                "name": tag.name,
                "description": "",
                "category_id": _urn("Category", tag.category),
                "used_by": [],
            }
            for tag in self.center.places.estate.tags
        }

    def _attached(self, body: bytes) -> Answer:
        try:
            wanted = json.loads(body)["tag_ids"]
        except (ValueError, KeyError, TypeError):
            return _error(400, "INVALID_ARGUMENT")
        by_id = {_urn("Tag", f"{tag.category}/{tag.name}"): tag for tag in self.center.places.estate.tags}
        told = [{"tag_id": urn, "object_ids": self._objects(by_id[urn].on)} for urn in wanted if urn in by_id]
        return Answer(200, told)

    def _objects(self, on: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
        """Those that are there: a tag goes from an object with the object."""
        return [found for each in on if (found := self._object(each)) is not None]

    def _object(self, where: tuple[str, str]) -> dict[str, str] | None:
        kind, name = where
        places = self.center.places
        if kind == "vm":
            machine = places.machine_named(name)
            return None if machine is None else {"id": machine.moid, "type": _TYPES[kind]}
        found = {"host": places.hosts, "cluster": places.clusters, "datastore": places.datastores, "network": places.networks}
        return {"id": found[kind][name]._moId, "type": _TYPES[kind]}  # type: ignore[attr-defined]


def _urn(kind: str, name: str) -> str:
    return f"urn:vmomi:InventoryService{kind}:{uuid.uuid5(uuid.NAMESPACE_OID, name)}:GLOBAL"


def _basic(header: str) -> str:
    try:
        return base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _error(status: int, kind: str) -> Answer:
    return Answer(status, {"error_type": kind, "messages": []})
