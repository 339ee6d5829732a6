"""Signing in and out by the page: the same check and the same brake as the API's, CSRF, and no way to be sent elsewhere."""

from __future__ import annotations

import pytest
from django.test import Client

from project.backbone.accounts.tokens import FAILURES_PER_NAME
from tests.builders.pages import signed_in
from tests.builders.people import PASSWORD, People, with_password

pytestmark = pytest.mark.django_db


def sign_in(client: Client, username: str, password: str, **fields: str) -> object:
    return client.post("/login", {"username": username, "password": password, **fields})


def test_the_right_password_leads_to_the_page_that_was_asked_for(people: People) -> None:
    with_password(people.owner)
    answer = sign_in(Client(), "owner", PASSWORD, next=f"/projects/{people.project.id}")
    assert (answer.status_code, answer["Location"]) == (302, f"/projects/{people.project.id}")


def test_a_wrong_password_is_said_and_the_name_kept(people: People) -> None:
    with_password(people.owner)
    answer = sign_in(Client(), "owner", "not it")
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "User name or password is wrong." in shown and 'value="owner"' in shown and "not it" not in shown


def test_an_account_that_was_closed_cannot_sign_in(people: People) -> None:
    with_password(people.owner)
    people.owner.is_active = False
    people.owner.save()
    assert "wrong" in sign_in(Client(), "owner", PASSWORD).content.decode()


def test_too_many_wrong_passwords_close_the_door_for_page_and_api_alike(people: People) -> None:
    with_password(people.owner)
    for _ in range(FAILURES_PER_NAME):
        sign_in(Client(), "owner", "not it")
    answer = sign_in(Client(), "owner", PASSWORD)
    assert answer.status_code == 429
    assert "Wait five minutes" in answer.content.decode()
    by_api = Client().post("/api/v1/auth/token", {"username": "owner", "password": PASSWORD}, content_type="application/json")
    assert by_api.status_code == 429


@pytest.mark.parametrize(
    "fields", [{}, {"username": "owner"}, {"username": "ow\x00ner", "password": "x"}, {"password": "x" * 9000}]
)
def test_a_form_with_fields_missing_or_odd_is_answered_with_the_form(people: People, fields: dict[str, str]) -> None:
    answer = Client().post("/login", fields)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()


def test_nobody_is_sent_to_another_site_after_signing_in(people: People) -> None:
    with_password(people.owner)
    assert sign_in(Client(), "owner", PASSWORD, next="https://evil.example/")["Location"] == "/"


def test_a_form_from_another_site_is_refused(people: People) -> None:
    with_password(people.owner)
    answer = sign_in(Client(enforce_csrf_checks=True), "owner", PASSWORD)
    assert answer.status_code == 403
    assert "Load the page again" in answer.content.decode()


def test_signing_out_ends_the_session(people: People) -> None:
    client = signed_in(people.owner)
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/").status_code == 302
