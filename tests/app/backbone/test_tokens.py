"""Tokens: asked for with a password, stored hashed, narrowed, listed, revoked, expiring; and the brake on guessing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from project.backbone import clock
from project.backbone.models import ApiToken, AuditEntry
from tests.builders.people import PASSWORD, People, a_client, with_password

pytestmark = pytest.mark.django_db


def sign_in(username: str, password: str = PASSWORD, **narrowing: object) -> dict[str, str]:
    answer = a_client().post("/api/v1/auth/token", {"username": username, "password": password, **narrowing})
    assert answer.status_code == 200, answer.json()
    return answer.json()


def with_token(token: str) -> APIClient:
    client = a_client()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def test_a_token_opens_the_api_and_is_stored_only_as_a_hash(people: People) -> None:
    issued = sign_in(with_password(people.owner).username)
    assert set(issued) >= {"token", "expires_at"}
    assert with_token(issued["token"]).get("/api/v1/projects").status_code == 200
    row = ApiToken.objects.get()
    assert issued["token"] not in {row.digest, row.token_key}


def test_a_wrong_password_is_refused_without_saying_which_part_was_wrong(people: People) -> None:
    with_password(people.owner)
    wrong = a_client().post("/api/v1/auth/token", {"username": "owner", "password": "nope"})
    unknown = a_client().post("/api/v1/auth/token", {"username": "nobody", "password": "nope"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["code"] == "wrong_credentials"


def test_after_ten_failures_even_the_right_password_waits(people: People) -> None:
    with_password(people.owner)
    for _ in range(10):
        assert a_client().post("/api/v1/auth/token", {"username": "Owner", "password": "nope"}).status_code == 401
    braked = a_client().post("/api/v1/auth/token", {"username": "owner", "password": PASSWORD})
    assert (braked.status_code, braked.json()["code"]) == (429, "too_many_requests")
    assert int(braked["Retry-After"]) > 0


def test_an_expired_token_does_not_count(people: People) -> None:
    token = sign_in(with_password(people.owner).username, lifetime_s=60)["token"]
    with clock.frozen(clock.now() + timedelta(seconds=61)):
        assert with_token(token).get("/api/v1/projects").status_code == 401


def test_a_narrowed_token_sees_its_project_only_and_acts_with_its_role(people: People) -> None:
    token = sign_in(with_password(people.admin).username, project=str(people.project.id), role="viewer")["token"]
    client = with_token(token)
    url = f"/api/v1/projects/{people.project.id}/members"
    assert client.get(url).status_code == 200
    assert client.post(url, {"username": "stranger", "role": "viewer"}).json()["role_needed"] == "admin"
    assert client.post("/api/v1/auth/tokens", {"name": "wider"}).status_code == 403


def test_a_token_cannot_be_narrowed_to_a_foreign_project(people: People) -> None:
    with_password(people.owner)
    body = {"username": "owner", "password": PASSWORD, "project": str(people.other_project.id)}
    assert a_client().post("/api/v1/auth/token", body).status_code == 404


def test_tokens_are_listed_and_revoked_by_their_owner_alone(people: People) -> None:
    issued = sign_in(with_password(people.owner).username, name="script")
    client = with_token(issued["token"])
    listed = client.get("/api/v1/auth/tokens").json()["results"]
    assert [row["name"] for row in listed] == ["script"]
    assert issued["token"] not in str(listed)
    assert people.client("teammate").delete(f"/api/v1/auth/tokens/{issued['id']}").status_code == 404
    assert client.delete(f"/api/v1/auth/tokens/{issued['id']}").status_code == 204
    assert client.get("/api/v1/projects").status_code == 401


def test_a_client_signs_out_with_its_own_token(people: People) -> None:
    token = sign_in(with_password(people.owner).username)["token"]
    assert with_token(token).delete("/api/v1/auth/token").status_code == 204
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("header", ["Bearer \xff\xfe", "Bearer", "Bearer a b", "Bearer " + "x" * 5000, "Basic Zm9vOmJhcg=="])
def test_odd_authorization_headers_are_401(header: str) -> None:
    client = a_client()
    client.credentials(HTTP_AUTHORIZATION=header)
    assert client.get("/api/v1/projects").status_code == 401


def test_changing_the_password_ends_all_tokens(people: People) -> None:
    token = sign_in(with_password(people.owner).username)["token"]
    people.client("owner").patch(f"/api/v1/users/{people.owner.id}", {"password": "another long phrase"})
    assert with_token(token).get("/api/v1/projects").status_code == 401


def test_the_audit_log_has_no_token_in_it(people: People) -> None:
    token = sign_in(with_password(people.owner).username)["token"]
    entry = AuditEntry.objects.get(action="token.issued")
    assert token not in f"{entry.before}{entry.after}{entry.subject}"


def test_who_am_i_lists_roles(people: People) -> None:
    me = people.client("teammate").get("/api/v1/auth/me").json()
    assert me["username"] == "teammate"
    assert me["memberships"] == [{"project": str(people.project.id), "role": "operator", "approver": True}]


def test_a_stale_token_does_not_keep_anybody_from_signing_in(people: People) -> None:
    with_password(people.owner)
    answer = with_token("stale").post("/api/v1/auth/token", {"username": "owner", "password": PASSWORD})
    assert answer.status_code == 200
