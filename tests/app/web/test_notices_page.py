"""The page of notices: an admin adds, tests and removes a receiver; others see what is told and no secret."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from project.backbone.models import NoticeDelivery, NoticeTarget
from tests.builders.pages import signed_in
from tests.builders.people import People

pytestmark = pytest.mark.django_db
SECRET = "a secret of the hall"
ADDED = {"name": "hall", "url": "https://hooks.example/T0KEN", "secret": SECRET, "events": ["alarm.opened"]}


def page(people: People, client: Client) -> str:
    return client.get(reverse("project-notices", args=[people.project.id])).content.decode()


def post(people: People, client: Client, form: str, **said: object) -> int:
    ids = [people.project.id, *NoticeTarget.objects.values_list("id", flat=True)] if form != "add" else [people.project.id]
    return client.post(reverse(f"notice-{form}-form", args=ids), said).status_code


def test_an_admin_adds_tests_and_removes_a_receiver(people: People) -> None:
    chief = signed_in(people.admin)
    assert post(people, chief, "add", **ADDED) == 303
    shown = page(people, chief)
    assert "https://hooks.example" in shown and "T0KEN" not in shown and SECRET not in shown
    assert post(people, chief, "test") == 303 and NoticeDelivery.objects.get().event == "test"
    assert post(people, chief, "remove") == 303 and not NoticeTarget.objects.exists()


def test_an_operator_sees_the_receivers_and_changes_none(people: People) -> None:
    post(people, signed_in(people.admin), "add", **ADDED)
    owner = signed_in(people.owner)
    assert "hall" in page(people, owner) and "Add a receiver" not in page(people, owner)
    assert [post(people, owner, "add", **ADDED), post(people, owner, "test"), post(people, owner, "remove")] == [403] * 3
    assert post(people, signed_in(people.stranger), "remove") == 404


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"secret": "short"}, {"url": "http://x"}, {"events": []}, {"url": "https://127.0.0.1"}]
)
def test_what_cannot_be_used_is_said_on_the_page(people: People, wrong: dict[str, object]) -> None:
    chief = signed_in(people.admin)
    assert post(people, chief, "add", **{**ADDED, **wrong}) == 303
    assert 'role="alert"' in page(people, chief) and not NoticeTarget.objects.exists()
