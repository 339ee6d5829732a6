"""Who reaches which page: signed out to the sign-in page, members in, strangers 404, and nobody by another address."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from tests.builders.pages import World, answered, signed_in
from tests.builders.people import People, a_user
from tests.builders.pools import NOW

pytestmark = pytest.mark.django_db
PAGES = [
    *("project-home", "project-inventory", "project-conversions", "project-readiness", "project-reports", "project-changes"),
    *("project-kms", "project-kms-guests", "project-kms-uploads", "project-running"),
]
INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


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


def test_a_part_that_refreshes_itself_after_signing_out_has_the_page_loaded_again(people: People) -> None:
    answer = Client().get(reverse("project-conversions", args=[people.project.id]), headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"], answer.content) == (401, "true", b"")


def test_the_start_page_lists_the_persons_own_projects_only(people: People) -> None:
    shown = signed_in(people.owner).get("/").content.decode()
    assert people.project.name in shown
    assert people.other_project.name not in shown


def test_somebody_without_a_project_is_told_what_to_do() -> None:
    assert "Ask an admin of the project" in signed_in(a_user()).get("/").content.decode()
    assert "POST /api/v1/projects" in signed_in(a_user(superuser=True)).get("/").content.decode()


def test_a_projects_address_with_a_slash_too_many_leads_home(people: People) -> None:
    answer = signed_in(people.owner).get(f"/projects/{people.project.id}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/projects/{people.project.id}")


def test_an_unknown_address_is_a_page_with_a_way_back(people: People) -> None:
    answer = signed_in(people.owner).get("/nowhere")
    assert answer.status_code == 404
    assert "go on from your projects" in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_pages_run_and_style_nothing_inline_and_say_so_in_their_policy(world: World, page: str) -> None:
    answered(world, at=NOW)
    answer = signed_in(world.people.owner).get(reverse(page, args=[world.people.project.id]))
    assert INLINE.search(answer.content.decode()) is None
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "style-src 'self';" in policy and "unsafe" not in policy
    assert "no-store" in answer["Cache-Control"]
