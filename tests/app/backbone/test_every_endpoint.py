"""Every operation of the published schema, whichever app offers it: nothing a client sends gives a 500, no stranger gets in.

The operations are read from the schema itself, so a new endpoint is covered the day it is added.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from drf_spectacular.generators import SchemaGenerator

from project.backbone.clock import now
from project.backbone.models import Endpoint, Job, Membership, Waiver
from tests.builders.people import People, a_client

pytestmark = pytest.mark.django_db
NOWHERE = UUID(int=7)
BODIES: list[bytes] = [
    b"", b"{", b"null", b"[]", b'"x"', b"3", b'{"name": "\\u0000"}', b"\xff", b"[" * 50_000,
    json.dumps({"x" * 5000: None, "": {}}).encode(),
]  # fmt: skip
WRONG: list[Any] = [
    None,
    True,
    -1,
    2**63,
    1e300,
    "",
    "\u202e" * 300,
    "x" * 100_000,
    [],
    [[]],
    {},
    {"a": {"b": [None]}},
    [None, {}, 5],
]
QUERIES = [
    "limit=x",
    "cursor=%00%ff",
    "q=%00",
    "ordering=-id,__class__",
    "at=never",
    "days=1e9",
    "against=x",
    "other=%00",
    "targets=-1",
]


@cache
def operations() -> list[tuple[str, str, tuple[str, ...]]]:
    """Method, path and the names of the body's members, of every operation."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    found = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            found.append((method.upper(), path, _members(schema, operation)))
    return found


def _members(schema: dict[str, Any], operation: dict[str, Any]) -> tuple[str, ...]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    component = schema["components"]["schemas"].get(name, {})
    return tuple(member for member, about in component.get("properties", {}).items() if not about.get("readOnly"))


def address(path: str, rows: dict[str, Any]) -> str:
    """The path with the ids of real rows where this module knows the collection, with an unknown id elsewhere."""
    here = path.replace("{project_id}", str(rows["projects"]))
    here = re.sub(r"(\w+)/\{\w+\}", lambda found: f"{found[1]}/{rows.get(found[1], NOWHERE)}", here)
    return re.sub(r"\{\w+\}", str(NOWHERE), here)


@pytest.fixture
def rows(people: People) -> dict[str, Any]:
    """Ids of one row per collection that the backbone itself keeps."""
    project = people.project
    waiver = Waiver.objects.create(
        project=project, rule_id="X-1", subject="vm", reason="r", expires_at=now() + timedelta(1), requested_by=people.owner
    )
    return {
        "projects": project.id,
        "users": people.owner.id,
        "customers": project.customer_id,
        "members": Membership.objects.get(user=people.owner).id,
        "jobs": Job.objects.create(kind="test.nothing", project=project).id,
        "waivers": waiver.id,
        "pools": Endpoint.objects.create(project=project, kind="pool", name="p", url="https://p").id,
        "sources": Endpoint.objects.create(project=project, kind="vcenter", name="v", url="https://v").id,
    }


def send(client: Any, method: str, url: str, body: bytes) -> Any:
    return client.generic(method, url, body, content_type="application/json")


def fails(answer: Any) -> bool:
    return bool(answer.status_code >= 500)


def test_no_body_gives_a_server_error(people: People, rows: dict[str, Any]) -> None:
    client, broken = people.client("admin"), []
    for method, path, _ in operations():
        if method == "GET":
            continue
        for body in BODIES:
            answer = send(client, method, address(path, rows), body)
            if fails(answer):
                broken.append((method, path, body[:40], answer.content[:200]))
    assert not broken, broken


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: repr(value)[:30])
def test_no_wrong_value_of_any_member_gives_a_server_error(people: People, rows: dict[str, Any], wrong: Any) -> None:
    client, broken = people.client("admin"), []
    for method, path, members in operations():
        whole = json.dumps(dict.fromkeys(members, wrong)).encode()
        bodies = [whole, *(json.dumps({member: wrong}).encode() for member in members)]
        for body in bodies if members else []:
            answer = send(client, method, address(path, rows), body)
            if fails(answer):
                broken.append((method, path, body[:80], answer.content[:200]))
    assert not broken, broken


def test_no_query_gives_a_server_error(people: People, rows: dict[str, Any]) -> None:
    client, broken = people.client("admin"), []
    for method, path, _ in operations():
        for query in QUERIES if method == "GET" else []:
            answer = client.get(f"{address(path, rows)}?{query}")
            if fails(answer):
                broken.append((path, query, answer.content[:200]))
    assert not broken, broken


def test_a_stranger_finds_nothing_below_the_project(people: People, rows: dict[str, Any]) -> None:
    client, open_doors = people.client("stranger"), []
    for method, path, _ in operations():
        if "/projects/{project_id}/" in path:
            answer = send(client, method, address(path, rows), b"{}")
            if answer.status_code not in (404, 405):
                open_doors.append((method, path, answer.status_code))
    assert not open_doors, open_doors


def test_nobody_gets_in_without_signing_in(people: People, rows: dict[str, Any]) -> None:
    client, open_doors = a_client(), []
    for method, path, _ in operations():
        answer = send(client, method, address(path, rows), b"{}")
        if answer.status_code != 401 and path not in ("/api/v1/auth/token", "/api/schema/"):
            open_doors.append((method, path, answer.status_code))
    assert not open_doors, open_doors
