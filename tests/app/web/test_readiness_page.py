"""The readiness page: the pool drawn, verdict, checks, faults and attestations; what nobody read is said to be so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from msgspec.structs import replace
from pytest_django import DjangoAssertNumQueries

from project.backbone.accounts.policy import Role
from project.backbone.models import Job
from readiness.models import Evaluation, Pool
from readiness.services.evaluation import evaluate
from tests.builders.inventory import SYSTEM
from tests.builders.pages import HOSTILE, World, a_pool_to_move_to, a_world, signed_in
from tests.builders.people import People, a_user
from tests.builders.pools import NOW, a_host
from tests.builders.readiness import a_confirmed_pool, collected

pytestmark = pytest.mark.django_db


def text(people: People, pool: Pool | None = None) -> str:
    name, args = ("pool-readiness", [people.project.id, pool.id]) if pool else ("project-readiness", [people.project.id])
    answer = signed_in(people.owner).get(reverse(name, args=args))
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def test_a_ready_pool_is_drawn_with_every_check_fault_and_attestation(world: World) -> None:
    page = text(world.people)
    assert "Verdict: ready" in page and "<svg" in page and "HA timeout 120 s" in page
    for part in ("HA-020", "HA-065", "storage node <strong>san-a</strong>", "failover test", "switch: sw-a", "xen-h1 eth0"):
        assert part in page


def test_a_failover_test_says_at_which_timeout_on_which_node_and_what_each_host_did(world: World) -> None:
    page = text(world.people)
    assert "timeout: 120 s, storage node: san-a, method: hard_power_cycle, hosts: host: xen-h1, fenced: no;" in page
    assert "failover: 70 s" in page


def test_a_drifted_timeout_stands_on_top_with_its_commands(people: People) -> None:
    a_world(people, at=NOW, timeout_s=60)
    page = text(people)
    assert "Verdict: not ready" in page and "closes the gate" in page and "What stands against it" in page
    assert page.index("What stands against it") < page.index("HA-001"), "what fails comes before what passes"
    assert "ha-config:timeout=120" in page
    assert "No longer as it was tested" in page and 'class="mark caution">60 s' in page


def test_a_pool_that_was_never_read_is_unknown_and_not_drawn(people: People) -> None:
    a_confirmed_pool(people)
    page = text(people)
    assert "light unknown" in page and "never evaluated" in page and "<svg" not in page and "nothing was read from it yet" in page


def test_a_pool_that_was_read_but_not_judged_is_drawn_and_unknown(people: People) -> None:
    collected(a_confirmed_pool(people), replace(a_pool_to_move_to(), collected_at=NOW))
    page = text(people)
    assert "never judged" in page and "<svg" in page and "Nobody has attested anything" in page


def test_a_pool_that_could_not_be_read_for_the_newest_verdict_is_said_to_be_so(world: World) -> None:
    evaluate(world.pool.pk, at=NOW + timedelta(minutes=1), actor=SYSTEM, unreachable_because="no route to host")
    page = text(world.people)
    assert "Verdict: not ready" in page and "without facts" in page and "no route to host" in page


def test_unknown_answers_are_marked_unknown(people: People) -> None:
    pool = a_confirmed_pool(people)
    collected(pool, replace(a_pool_to_move_to(), collected_at=NOW))
    evaluate(pool.pk, at=NOW, actor=SYSTEM)
    assert 'class="mark unknown">unknown' in text(people)


def test_hostile_names_are_shown_as_text_in_drawing_and_tables(people: People) -> None:
    pool = a_confirmed_pool(people, name='"><script>alert(1)</script>')
    hosts = tuple(a_host(f"h{n}", name=f"{HOSTILE}{n}") for n in (1, 2, 3))
    facts = a_pool_to_move_to()
    srs = tuple(replace(sr, name="</svg><script>alert(2)</script>") for sr in facts.srs)
    collected(pool, replace(facts, name=HOSTILE, hosts=hosts, srs=srs, collected_at=NOW))
    evaluate(pool.pk, at=NOW, actor=SYSTEM)
    page = text(people)
    assert "<svg" in page and "&lt;script&gt;" in page
    assert "<script>" not in page and "</svg><script" not in page


def test_each_pool_has_its_own_page_and_another_projects_pool_none(world: World) -> None:
    other = a_confirmed_pool(world.people, name="pool02")
    page = text(world.people, other)
    assert "Readiness of pool02" in page and 'aria-current="page">pool02' in page
    strange = reverse("pool-readiness", args=[world.people.other_project.id, world.pool.id])
    assert signed_in(world.people.stranger).get(strange).status_code == 404


def test_evaluating_is_asked_once_by_an_operator(world: World) -> None:
    address = reverse("pool-evaluate-form", args=[world.people.project.id, world.pool.id])
    viewer = a_user(Role.VIEWER, project=world.people.project)
    assert signed_in(viewer).post(address).status_code == 403
    client = signed_in(world.people.owner)
    assert client.post(address)["Location"] == reverse("pool-readiness", args=[world.people.project.id, world.pool.id])
    client.post(address)
    assert Job.objects.filter(kind="readiness.evaluate").count() == 1


def test_evaluating_an_unconfirmed_pool_says_what_to_do(world: World) -> None:
    world.pool.endpoint.pins = []
    world.pool.endpoint.save()
    address = reverse("pool-evaluate-form", args=[world.people.project.id, world.pool.id])
    page = signed_in(world.people.owner).post(address, follow=True).content.decode()
    assert 'class="notice error" role="alert"' in page and "confirm" in page.lower()


def test_the_page_asks_the_database_a_bounded_number_of_times(
    world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client, address = signed_in(world.people.owner), reverse("project-readiness", args=[world.people.project.id])
    with django_assert_max_num_queries(16):
        client.get(address)
    assert Evaluation.objects.count() == 1, "looking judges nothing"
