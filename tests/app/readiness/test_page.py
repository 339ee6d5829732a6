"""The readiness page: the verdict, the pool drawn, the checks and their commands, for members of the project only."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.template.loader import render_to_string
from django.test import Client

from project.backbone import clock
from project.backbone.accounts.policy import Actor
from readiness.services.evaluation import evaluate
from readiness.web import _panel
from tests.builders.evidence import full_evidence
from tests.builders.people import People
from tests.builders.pools import NOW, a_pool
from tests.builders.readiness import a_confirmed_pool, attested, collected

pytestmark = pytest.mark.django_db


def shown(people: People, *, timeout_s: int = 120, evaluated: bool = True) -> str:
    with clock.frozen(NOW):
        pool = a_confirmed_pool(people)
        collected(pool, a_pool(timeout_s=120))
        attested(people, pool, full_evidence(a_pool()))
        collected(pool, replace(a_pool(timeout_s=timeout_s, name="<pool>"), collected_at=NOW))
        if evaluated:
            evaluate(pool.id, at=NOW, actor=Actor.system("job:test"))
        return render_to_string("readiness/pool.html", {"panel": _panel(pool, NOW)})


def test_a_ready_pool_shows_its_verdict_its_drawing_and_every_check(people: People) -> None:
    page = shown(people)
    assert "<strong>ready</strong>" in page
    assert page.count("<svg") == 1 and page.count("<strong>HA-0") == 19
    assert "<pool>" not in page


def test_an_unjudged_pool_says_what_to_do_next(people: People) -> None:
    assert "ask for an evaluation next" in shown(people, evaluated=False)


def test_a_strangers_project_page_is_not_found_and_nobody_signs_in_without_a_name(people: People, client: Client) -> None:
    address = f"/projects/{people.project.id}/readiness"
    assert client.get(address).status_code == 302
    client.force_login(people.stranger)
    assert client.get(address).status_code == 404


def test_a_member_sees_the_page(people: People, client: Client) -> None:
    shown(people)
    client.force_login(people.owner)
    answer = client.get(f"/projects/{people.project.id}/readiness")
    assert answer.status_code == 200
    assert "Pool pool01" in answer.content.decode()
