"""The page of conversions: states, progress, proof and refusals, refreshed only when something moved."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from migration.conversion.core.states import State
from migration.conversion.models import Conversion, DiskCopy
from tests.builders.pages import HOSTILE, World, in_state, signed_in

pytestmark = pytest.mark.django_db


def shown(world: World, address: str = "", **headers: str) -> Any:
    where = address or reverse("project-conversions", args=[world.people.project.id])
    return signed_in(world.people.owner).get(where, headers=headers)


def text(world: World) -> str:
    return str(shown(world).content.decode())


def test_a_disk_on_its_way_shows_its_share_and_step(world: World) -> None:
    in_state("db-01", State.COPYING, copied=0.5, step="copy_disks")
    page = text(world)
    assert 'class="mark busy">copying' in page and "Copy the disks" in page
    assert 'value="50"' in page and "105 GiB of 210 GiB" in page


def test_a_share_is_never_rounded_up_to_all(world: World) -> None:
    in_state("db-01", State.COPYING, copied=0.99999)
    assert 'value="99"' in text(world) and 'value="100"' not in text(world)


def test_a_done_machine_shows_that_its_disks_were_proven_and_that_it_runs(world: World) -> None:
    in_state("app-01", State.DONE, copied=1.0)
    page = text(world)
    assert 'class="mark good">done' in page and "1 of 1" in page and "read back equal" in page and "runs in the pool" in page


def test_a_copy_that_was_not_read_back_is_not_called_proven(world: World) -> None:
    in_state("app-01", State.VERIFYING, copied=1.0)
    page = text(world)
    assert "read back equal" not in page and "100 % copied, not read back yet" in page


def test_a_failed_machine_says_what_is_wrong_and_what_to_do(world: World) -> None:
    error = {"code": "x", "message": "file-01 ran again", "next_step": "Power it off and retry."}
    in_state("file-01", State.FAILED, step="confirm_unchanged", error=error)
    page = text(world)
    assert (
        "file-01 ran again" in page
        and "Power it off and retry." in page
        and "Confirm that nothing happened to the source" in page
    )


def test_hostile_names_are_shown_as_text(world: World) -> None:
    Conversion.objects.filter(name="app-01").update(name=HOSTILE, error={"message": HOSTILE, "next_step": HOSTILE})
    DiskCopy.objects.update(label=HOSTILE, fault={"message": HOSTILE})
    assert HOSTILE not in text(world)


def test_the_table_is_sent_again_only_when_something_moved(world: World) -> None:
    part = shown(world, **{"HX-Request": "true"}).content.decode()
    assert "<html" not in part and 'hx-trigger="every 10s"' in part
    again = part.split('hx-get="', 1)[1].split('"', 1)[0]
    assert shown(world, again, **{"HX-Request": "true"}).status_code == 204
    in_state("app-01", State.COPYING, copied=0.1)
    moved = shown(world, again, **{"HX-Request": "true"})
    assert moved.status_code == 200 and 'hx-trigger="every 2s"' in moved.content.decode()


def test_the_table_costs_the_same_queries_for_any_number_and_reads_no_block_maps(
    world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client, address = signed_in(world.people.owner), reverse("project-conversions", args=[world.people.project.id])
    with django_assert_max_num_queries(6) as asked:
        client.get(address)
    assert not [query for query in asked.captured_queries if '"hashes"' in query["sql"]]
