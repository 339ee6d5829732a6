"""No write endpoint drops a member in silence: whatever is misspelt or not known is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import build_mock_request
from rest_framework import serializers

from project.backbone.api.strict import StrictMixin
from project.backbone.jobs.states import JobState
from project.backbone.models import Job
from tests.builders.people import People

CHECKED_BY_CORE = {"DefinitionSerializer"}
"""For the schema alone: the core says of each member of a rule what is wrong with it."""
UNSAFE = ("POST", "PUT", "PATCH")


@cache
def operations() -> list[tuple[str, str, Any, Any]]:
    """Method, path, the view's method and the serializer of its body (None for no body) of everything that writes."""
    found, generator = [], SchemaGenerator()
    generator._initialise_endpoints()
    for path, _, method, view in generator._get_paths_and_endpoints():
        if method in UNSAFE:
            view.request = build_mock_request(method, path, view, None)
            view.schema.path, view.schema.method = path, method
            handler = getattr(view, getattr(view, "action", None) or method.lower())
            found.append((method, path, handler, view.schema.get_request_serializer()))
    return found


def serializers_in(asked: Any) -> Iterator[serializers.Serializer[Any]]:
    """The serializers that a body is read by, nested ones too; none where it is a file as it is."""
    if isinstance(asked, dict):
        for one in asked.values():
            yield from serializers_in(one)
    elif isinstance(asked, type) and issubclass(asked, serializers.BaseSerializer):
        yield from serializers_in(asked())
    elif isinstance(asked, serializers.Serializer):
        yield asked
        for field in asked.fields.values():
            yield from () if field.read_only else serializers_in(field)
    elif isinstance(asked, serializers.ListSerializer | serializers.ListField):
        yield from serializers_in(asked.child)


def test_every_serializer_of_a_request_is_strict() -> None:
    read_by = [(path, one) for _, path, _, asked in operations() for one in serializers_in(asked)]
    assert len({path for path, _ in read_by}) > 60
    lax = {(type(one).__name__, path) for path, one in read_by if not isinstance(one, StrictMixin)}
    assert {name for name, _ in lax} == CHECKED_BY_CORE, lax


def test_every_view_that_takes_no_body_refuses_one() -> None:
    without = [(method, path, handler) for method, path, handler, asked in operations() if asked is None]
    assert len(without) > 25
    assert not [(method, path) for method, path, handler in without if not getattr(handler, "takes_no_body", False)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b'{"force": true}', 400, "force"),
        (b'{"a": 1, "reason": null}', 400, "a"),
        (b"[]", 400, None),
        (b"[1]", 400, None),
        (b"null", 400, None),
        (b"3", 400, None),
        (b"{", 400, None),
        (b"nonsense", 400, None),
        (b"", 202, None),
        (b"{}", 202, None),
        (b" {} ", 202, None),
    ],
)
def test_an_action_that_needs_no_body_takes_none(people: People, body: bytes, status: int, field: str | None) -> None:
    job = Job.objects.create(kind="test.nothing", project=people.project, state=JobState.FAILED)
    url = f"/api/v1/jobs/{job.pk}/retry"
    answer = people.client("admin").generic("POST", url, body, content_type="application/json")
    assert answer.status_code == status, answer.content
    if status == 400:
        assert answer.json()["code"]
        assert not field or field in {each["field"] for each in answer.json()["errors"]}
    job.refresh_from_db()
    assert (job.state == JobState.FAILED) == (status == 400), "what is refused has done nothing"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "customers", {"name": "n", "nmae": 1}),
        ("patch", "customers/{customer}", {"nmae": "n"}),
        ("post", "users", {"username": "u", "password": "correct horse battery", "superuser": True}),
        ("patch", "users/{user}", {"superuser": True}),
        ("post", "projects", {"name": "n", "gate": "strict"}),
        ("patch", "projects/{project}", {"customer": "11111111-1111-4111-8111-111111111111"}),
    ],
)
def test_customers_users_and_projects_take_no_member_in_silence(
    people: People, method: str, path: str, body: dict[str, Any]
) -> None:
    ids = {"customer": people.project.customer_id, "user": people.owner.pk, "project": people.project.pk}
    answer = getattr(people.client("admin"), method)(f"/api/v1/{path.format(**ids)}", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    strangers = {each["field"] for each in answer.json()["errors"] if each["detail"] == "There is no such member here."}
    assert len(strangers) == 1 and strangers <= set(body)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body"),
    [("mappings", {"name": "m", "netwroks": {}}), ("plans", {"nonsense": 3}), ("reports", {"kind": "readiness", "form": "pdf"})],
)
def test_a_member_that_is_not_known_is_refused_by_name(people: People, path: str, body: dict[str, Any]) -> None:
    answer = people.client("admin").post(f"/api/v1/projects/{people.project.pk}/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    [stranger] = [each for each in answer.json()["errors"] if each["detail"] == "There is no such member here."]
    assert stranger["field"] in body


@pytest.mark.django_db
def test_a_suggestion_is_sent_as_a_mapping_as_it_came(people: People) -> None:
    suggestion = {"networks": {}, "datastores": {}, "templates": {}, "why": {"LAN": "same name"}, "open": ["DMZ"]}
    answer = people.client("admin").post(f"/api/v1/projects/{people.project.pk}/mappings", {"name": "m", **suggestion})
    assert answer.status_code == 201, answer.content
