"""Who reaches which page: signed out to the sign-in page, members in, strangers 404, and nobody by another address."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.builders.people import People

pytestmark = pytest.mark.django_db
PAGES = ["project-home", "project-inventory", "project-conversions", "project-readiness", "project-reports"]


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]  # the three people are users
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_member_sees_every_page_of_an_empty_project(people: People, page: str) -> None:
    answer = signed_in(people.owner).get(reverse(page, args=[people.project.id]))
    assert answer.status_code == 200
    assert people.project.name in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_another_projects_page_is_a_404_page_that_does_not_name_the_project(people: People, page: str) -> None:
    answer = signed_in(people.stranger).get(reverse(page, args=[people.project.id]))
    assert answer.status_code == 404
    assert "text/html" in answer["Content-Type"]
    assert people.project.name not in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_nobody_is_sent_to_sign_in_and_back(people: People, page: str) -> None:
    wanted = reverse(page, args=[people.project.id])
    answer = Client().get(wanted)
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={wanted}")


def test_the_start_page_lists_the_persons_own_projects_only(people: People) -> None:
    shown = signed_in(people.owner).get("/").content.decode()
    assert people.project.name in shown
    assert people.other_project.name not in shown
