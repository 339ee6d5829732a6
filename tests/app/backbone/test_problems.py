"""Bad input: every refusal of the API is a problem document with a stable code, and nothing a client sends gives a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.views import APIView

from project.backbone.api import answers
from project.backbone.models import Customer
from tests.builders.people import People, a_client, a_customer, a_user

pytestmark = pytest.mark.django_db

BAD_BODIES: list[bytes] = [
    b"", b"{", b"[]", b"null", b"17", b'"text"', b'{"name": null}', b'{"name": {"a": 1}}', b'{"name": ["x"]}', b'{"name": NaN}',
    b'{"name": "\\u0000"}', b'{"name": "\\ud800"}', b'{"na\\u0000me": "x"}', b"\xff\xfe\x00", b"[" * 100_000,
    b'{"name": ' + b"9" * 400 + b"}", b'{"name": 1e400}',
    b'{"customer": 99999999999999999999999999, "name": "x"}', b'{"customer": null, "name": true, "policy_profile": 3}',
]  # fmt: skip
WRITES = ("users", "customers", "projects", "auth/token", "auth/tokens")


def is_problem(answer: Any) -> bool:
    document = json.loads(answer.content)
    return answer["Content-Type"] == "application/problem+json" and {"type", "title", "status", "detail", "code"} <= set(document)


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:40]))
@pytest.mark.parametrize("collection", WRITES)
def test_a_bad_body_is_a_4xx_problem(collection: str, body: bytes) -> None:
    root = a_client(a_user(superuser=True))
    answer = root.generic("POST", f"/api/v1/{collection}", body, content_type="application/json")
    if collection == "auth/tokens" and answer.status_code == 201:
        return  # an empty or foreign body is a plain wish for a token
    assert 400 <= answer.status_code < 500, answer.content
    assert is_problem(answer)


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:40]))
@pytest.mark.parametrize("collection", ["members", "waivers"])
def test_a_bad_body_below_a_project_is_a_4xx_problem(people: People, collection: str, body: bytes) -> None:
    url = f"/api/v1/projects/{people.project.id}/{collection}"
    answer = people.client("admin").generic("POST", url, body, content_type="application/json")
    assert 400 <= answer.status_code < 500, answer.content
    assert is_problem(answer)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=x", "limit=1e3", "limit=%00", "limit=٣",
        "cursor=x", "cursor=%00", "cursor=WzFd", "cursor=bnVsbA",
        "cursor=" + "A" * 5000, "q=%00", "state=%00", "created_at=x", "kind__startswith=%00", "cursor=W2ZhbHNlLCJ4IiwieSJd",
    ],
)  # fmt: skip
def test_bad_query_values_are_400_or_ignored(people: People, query: str) -> None:
    answer = people.client("owner").get(f"/api/v1/jobs?{query}")
    assert answer.status_code in (200, 400), answer.content
    assert answer.status_code == 200 or is_problem(answer)


@pytest.mark.parametrize("customer", ["not-a-uuid", 5, True, None, [], {}, "00000000-0000-0000-0000-000000000000", "x" * 10_000])
def test_a_customer_that_is_none_is_a_400_that_names_the_field(customer: Any) -> None:
    answer = a_client(a_user(superuser=True)).post("/api/v1/projects", {"customer": customer, "name": "x"})
    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"customer"}


@pytest.mark.parametrize("query", ["ordering=nonsense", "ordering=-created_at,kind", "q=x&limit=1", "unknown=1"])
def test_unknown_orders_and_filters_do_not_break_lists(people: People, query: str) -> None:
    assert people.client("owner").get(f"/api/v1/jobs?{query}").status_code == 200


@pytest.mark.parametrize(
    "path", ["projects/not-a-uuid", "projects/%00", "jobs/1", "nothing", "projects/00000000-0000-0000-0000-000000000000/nothing"]
)
def test_unknown_addresses_are_404_problems(people: People, path: str) -> None:
    answer = people.client("owner").get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert is_problem(answer)


def test_a_wrong_method_is_405_with_the_methods_allowed(people: People) -> None:
    answer = people.client("owner").put("/api/v1/jobs", {})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer["Allow"]


def test_an_unknown_media_type_is_415(people: People) -> None:
    answer = people.client("owner").generic("POST", "/api/v1/customers", b"<x/>", content_type="application/xml")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_validation_errors_name_each_field(people: People) -> None:
    answer = a_client(a_user(superuser=True)).post("/api/v1/projects", {"policy_profile": "nonsense"})
    assert answer.status_code == 400
    fields = {error["field"]: error["code"] for error in answer.json()["errors"]}
    assert fields == {"customer": "required", "name": "required", "policy_profile": "invalid_choice"}


def test_every_word_of_a_validation_error_is_a_text(people: People) -> None:
    errors = people.client("owner").post(f"/api/v1/projects/{people.project.id}/sources", {"kind": "x"}).json()["errors"]
    assert errors
    assert {type(part) for each in errors for part in each.values()} == {str}


def test_an_unforeseen_fault_is_a_500_with_an_id_and_nothing_else(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the inner workings")

    seen: list[str] = []
    monkeypatch.setattr(APIView, "check_throttles", fault)
    monkeypatch.setattr(answers, "log_internal", lambda problem, error, path: seen.append(problem.extra["id"]))
    answer = people.client("owner").get("/api/v1/projects")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "inner workings" not in answer.content.decode()
    assert seen == [answer.json()["id"]]


def test_a_session_needs_the_csrf_token_for_writes() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(a_user(superuser=True))
    answer = browser.post("/api/v1/customers", json.dumps({"name": "Acme"}), content_type="application/json")
    assert answer.status_code == 403
    assert not Customer.objects.exists()


def test_the_api_is_browsable_for_a_session() -> None:
    browser = Client()
    browser.force_login(a_user(superuser=True))
    a_customer("Acme")
    answer = browser.get("/api/v1/customers", HTTP_ACCEPT="text/html")
    assert answer.status_code == 200
    assert b"Acme" in answer.content
    refused = browser.get("/api/v1/customers?limit=x", HTTP_ACCEPT="text/html")
    assert refused.status_code == 400
    assert refused["Content-Type"].startswith("text/html")


def test_every_answer_carries_the_security_headers(people: People) -> None:
    answer = people.client("owner").get("/api/v1/projects")
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cache-Control"] == "no-store"


def test_the_root_lists_the_collections(people: People) -> None:
    listed = people.client("owner").get("/api/v1/").json()
    assert {"users", "customers", "projects", "jobs"} <= set(listed)
    assert "members" in listed["in_a_project"]


def test_schema_and_docs_are_served(client: Client) -> None:
    assert client.get("/api/schema/").status_code == 200
    assert b"swagger" in client.get("/api/docs/").content


def test_health_readiness_and_metrics_answer_without_signing_in(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["database"] == "ok"
    assert b"xenbound_jobs" in client.get("/metrics").content
