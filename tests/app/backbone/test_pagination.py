"""Keyset pages: every row comes exactly once in order, forward and backward, with ties, NULLs and rows added in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from project.backbone.clock import now
from project.backbone.models import Job
from tests.builders.people import People

pytestmark = pytest.mark.django_db
START = now()


def some_jobs(people: People, count: int = 23) -> None:
    """States and end times repeat, and some have no end at all."""
    for number in range(count):
        Job.objects.create(
            kind=f"kind{number % 3}",
            project=people.project,
            state=("succeeded", "failed")[number % 2],
            finished_at=None if number % 4 == 0 else START + timedelta(minutes=number % 5),
            created_at=START + timedelta(seconds=number),
        )


def walk(client: APIClient, url: str, link: str = "next") -> tuple[list[str], dict[str, Any]]:
    """Ids of all pages along one link, and the last page."""
    ids: list[str] = []
    for _ in range(30):
        page = client.get(url).json()
        rows = [row["id"] for row in page["results"]]
        ids = [*ids, *rows] if link == "next" else [*rows, *ids]
        if page[link] is None:
            return ids, page
        url = page[link]
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "finished_at", "-finished_at", "state", "-kind,finished_at"])
def test_every_row_comes_once_forward_and_backward(people: People, ordering: str) -> None:
    some_jobs(people)
    client = people.client("owner")
    forward, last_page = walk(client, f"/api/v1/jobs?limit=4&ordering={ordering}")
    assert len(forward) == len(set(forward)) == 23
    whole = [row["id"] for row in client.get(f"/api/v1/jobs?ordering={ordering}").json()["results"]]
    assert forward == whole
    last_rows = [row["id"] for row in last_page["results"]]
    backward, _ = walk(client, last_page["previous"], "previous")
    assert [*backward, *last_rows] == whole


def test_count_is_the_whole_list_and_limits_are_kept(people: People) -> None:
    some_jobs(people, 5)
    page = people.client("owner").get("/api/v1/jobs?limit=2").json()
    assert (len(page["results"]), page["count"], page["previous"]) == (2, 5, None)


def test_a_row_added_in_front_does_not_shift_the_next_page(people: People) -> None:
    some_jobs(people, 6)
    client = people.client("owner")
    first = client.get("/api/v1/jobs?limit=3&ordering=-created_at").json()
    Job.objects.create(kind="late", project=people.project, created_at=START + timedelta(hours=1))
    second = client.get(first["next"]).json()
    assert not {row["id"] for row in first["results"]} & {row["id"] for row in second["results"]}


def test_filters_and_search_narrow_the_list(people: People) -> None:
    some_jobs(people)
    client = people.client("owner")
    assert {row["state"] for row in client.get("/api/v1/jobs?state=failed").json()["results"]} == {"failed"}
    assert {row["kind"] for row in client.get("/api/v1/jobs?q=kind1").json()["results"]} == {"kind1"}


def test_a_cursor_of_another_order_is_refused(people: People) -> None:
    some_jobs(people)
    client = people.client("owner")
    url = (
        client.get("/api/v1/jobs?limit=3&ordering=kind,state")
        .json()["next"]
        .replace("kind%2Cstate", "kind")
        .replace("kind,state", "kind")
    )
    answer = client.get(url)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "bad_cursor"
