"""The chart through the API and on the page: drawn, as a table, under a wave, and only for people of the project."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from lxml import etree

from kms import waves
from migration.conversion.models import Conversion, ConversionEvent
from project.backbone.clock import frozen, now
from tests.builders.kms import day
from tests.builders.kms_api import a_read_host
from tests.builders.pages import HOSTILE, World, a_world, signed_in
from tests.builders.people import People

pytestmark = pytest.mark.django_db
NOWHERE = "00000000-0000-4000-8000-000000000000"


def get(people: People, host_id: object, what: str, who: str = "owner", **query: Any) -> Any:
    with frozen(day(35.1)):
        return people.client(who).get(f"/api/v1/projects/{people.project.id}/kms/hosts/{host_id}/{what}", query)


def page(people: People, **query: str) -> str:
    with frozen(day(35.1)):
        answer = signed_in(people.owner).get(reverse("project-kms", args=[people.project.id]), query)
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def test_the_timeline_tells_observed_modelled_and_projected_counts(people: People) -> None:
    told = get(people, a_read_host(people).pk, "timeline").data
    assert (told["host_name"], told["cap"]) == ("KMS01", 10)
    assert "last observed 9, modelled now 9; in the next 45 days at worst 9" in told["summary"]
    assert [row["observed"] for row in told["rows"] if row["observed"] is not None] == [9]
    assert (told["rows"][-1]["lower"], told["rows"][-1]["upper"]) == (9, 9)


def test_the_drawing_is_an_svg_of_the_same(people: People) -> None:
    answer = get(people, a_read_host(people).pk, "drawing")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
    assert etree.fromstring(answer.content).get("aria-label").startswith("KMS count of KMS01: last observed 9")


@pytest.mark.parametrize("what", ["timeline", "drawing"])
def test_nobody_else_sees_a_host_and_no_wave_of_another_project_is_told(people: People, what: str) -> None:
    host = a_read_host(people)
    assert get(people, host.pk, what, who="stranger").status_code == 404
    assert get(people, NOWHERE, what).status_code == 404
    assert get(people, host.pk, what, wave=NOWHERE).status_code == 404
    assert get(people, host.pk, what, moves_at="soon").status_code == 400


def test_a_wave_that_has_moved_is_marked_when_its_first_machine_ran_in_the_pool(people: People) -> None:
    world = a_world(people, at=now())
    first, *_ = Conversion.objects.filter(wave_id=world.wave.pk)
    assert [wave.moved_at for wave in waves.known_waves(people.project)] == [None]
    Conversion.objects.filter(pk=first.pk).update(state="done")
    ConversionEvent.objects.create(conversion=first, at=day(20), to_state="done", message="runs")
    (wave,) = waves.known_waves(people.project)
    assert wave.moved_at == day(20)
    told = get(people, a_read_host(people).pk, "timeline").data
    assert [(mark["name"], mark["at"]) for mark in told["waves"]] == [(wave.name, "2026-03-21T00:00:00Z")]


def test_a_planned_wave_is_marked_where_it_is_asked_about(people: People) -> None:
    world: World = a_world(people, at=now())
    told = get(people, a_read_host(people).pk, "timeline", wave=str(world.wave.pk), moves_at="2026-04-10T08:00:00Z").data
    (mark,) = told["waves"]
    assert mark["name"].endswith("(planned)") and mark["at"] == "2026-04-10T08:00:00Z"
    assert told["end"] > "2026-05-25"


def test_the_page_shows_the_drawing_and_its_table_and_keeps_hostile_names_text(people: People) -> None:
    a_read_host(people, name=HOSTILE)
    told = page(people)
    assert "<svg" in told and "The chart as a table" in told and "last observed 9" in told.lower()
    assert HOSTILE not in told and "&lt;script&gt;" in told


def test_the_page_says_why_a_wave_or_a_time_cannot_be_shown(people: People) -> None:
    a_read_host(people)
    assert "is no time" in page(people, moves_at="soon")
    assert "further than 180 days" in page(people, moves_at="2099-01-01T00:00")
    assert 'role="alert"' in page(people, wave=NOWHERE)
    assert 'role="alert"' not in page(people, moves_at="2026-04-10T08:00")


def test_a_project_without_hosts_is_told_how_to_add_one(people: People) -> None:
    assert "no KMS host yet" in page(people)
