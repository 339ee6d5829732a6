"""The page of changes: two inventories beside each other, narrowed, in pages, nothing hostile acted on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import html
from msgspec.structs import replace

from estate.facts.unknown import Unknown
from migration.inventory import selectors
from migration.inventory.core.diff import Change
from migration.inventory.core.kinds import FactKind
from migration.inventory.models import Inventory, Source
from project.backbone import clock
from tests.builders.estate import GIB, a_disk, a_nic, a_vm
from tests.builders.inventory import a_source, an_inventory
from tests.builders.pages import HOSTILE, signed_in
from tests.builders.people import People
from tests.builders.pools import NOW

pytestmark = pytest.mark.django_db


def inventories(source: Source, *estates: tuple[Any, ...]) -> list[Inventory]:
    """An inventory of each of these estates, an hour apart."""
    made = []
    for number, vms in enumerate(estates):
        with clock.frozen(NOW + timedelta(hours=number)):
            made.append(an_inventory(source, *vms))
    return made


def page(people: People, **query: Any) -> Any:
    answer = signed_in(people.owner).get(reverse("project-changes", args=[people.project.id]), query)
    assert answer.status_code == 200, answer.content
    return html.fromstring(answer.content.decode())


def text_of(part: Any) -> str:
    return " ".join(" ".join(part.itertext()).split())


def rows(shown: Any) -> list[str]:
    return [text_of(row) for row in shown.xpath("//tbody/tr")]


def test_a_project_without_inventories_and_a_source_collected_once_say_what_to_do(people: People) -> None:
    assert "No inventory is known yet" in text_of(page(people))
    an_inventory(a_source(people.project, name="vc1"), a_vm("a"))
    assert "vc1 was collected once" in text_of(page(people))


def test_machines_disks_and_nics_are_told_with_what_was_and_what_is(people: People) -> None:
    second = replace(a_disk(), device_key=2001, label="Hard disk 2", capacity_bytes=40 * GIB)
    before = (a_vm("gone"), a_vm("db", vcpus=2, disks=(a_disk(),)), a_vm("web", nics=(a_nic(),)))
    moved = replace(a_nic(), network_name="DMZ")
    after = (a_vm("new"), a_vm("db", vcpus=8, disks=(a_disk(), second)), a_vm("web", nics=(moved,)))
    inventories(a_source(people.project), before, after)
    found = rows(page(people))
    assert found[0] == "db machine vm-db changed Hard disk 2 added 40 GiB, [san-a] app/app_0.vmdk, flat vcpus 2 → 8"
    for row, name, change in ((found[1], "gone", "gone"), (found[2], "new", "added")):
        assert row.startswith(f"{name} machine vm-{name} {change} ")
        assert "4 GiB; Hard disk 1 10 GiB" in row
    assert found[3] == "web machine vm-web changed Network adapter 1 network name VM Network → DMZ"


@pytest.mark.parametrize(
    ("narrowed", "names"),
    [({"kind": "disk"}, ["a"]), ({"kind": "nic"}, []), ({"kind": "vm"}, ["b", "c"]), ({"change": "added"}, ["c"]),
     ({"change": "gone"}, []), ({"change": "volatile"}, ["d"]), ({"kind": "nonsense", "change": "x"}, ["a", "b", "c"])],
)  # fmt: skip
def test_a_narrowed_page_shows_what_it_is_narrowed_to(people: People, narrowed: dict[str, str], names: list[str]) -> None:
    grown = replace(a_disk(), capacity_bytes=99 * GIB)
    before = (a_vm("a", disks=(a_disk(),)), a_vm("b", vcpus=1), a_vm("d", committed_bytes=GIB))
    after = (a_vm("a", disks=(grown,)), a_vm("b", vcpus=2), a_vm("c"), a_vm("d", committed_bytes=2 * GIB))
    inventories(a_source(people.project), before, after)
    assert [row.split()[0] for row in rows(page(people, **narrowed))] == names


def test_a_machine_that_got_its_first_nic_changed_in_nothing_else(people: People) -> None:
    inventories(a_source(people.project), (a_vm("a", nics=()),), (a_vm("a", nics=(a_nic(),)),))
    assert rows(page(people, kind="vm")) == []
    (row,) = rows(page(people, kind="nic"))
    assert row.startswith("a machine vm-a changed Network adapter 1 added 00:50:56:")


def test_what_moves_by_itself_stands_apart(people: People) -> None:
    inventories(
        a_source(people.project), (a_vm("a", vcpus=1, committed_bytes=GIB),), (a_vm("a", vcpus=2, committed_bytes=3 * GIB),)
    )
    (row,) = page(people).xpath("//tbody/tr")
    (apart,) = row.xpath(".//details")
    assert text_of(apart) == "1 value that moves by itself committed 1 GiB → 3 GiB"
    assert "committed" not in text_of(row.xpath(".//dl")[0])


def test_an_unread_value_shows_as_unknown_with_its_reason(people: People) -> None:
    inventories(a_source(people.project), (a_vm("a", vcpus=1),), (a_vm("a", vcpus=Unknown("no right to read it")),))
    (mark,) = page(people).xpath("//*[@class='mark unknown']")
    assert (mark.text, mark.get("title")) == ("unknown", "no right to read it")


def test_ids_are_shown_with_their_names(people: People) -> None:
    inventories(a_source(people.project), (a_vm("a", host_id="host-9"),), (a_vm("a", host_id="host-1"),))
    name = selectors.entries(Inventory.objects.latest("collected_at"), FactKind.HOST).get().name
    assert f"host host-9 → {name} (host-1)" in rows(page(people))[0]


def test_any_two_inventories_of_a_source_can_be_compared(people: People) -> None:
    first, _, third = inventories(a_source(people.project), (a_vm("a"),), (a_vm("b"),), (a_vm("a"),))
    assert len(rows(page(people))) == 2
    assert rows(page(people, old=first.pk, new=third.pk)) == []
    assert "Nothing that lasts has changed" in text_of(page(people, old=first.pk, new=third.pk))


def test_an_inventory_of_another_project_is_compared_with_nothing(people: People) -> None:
    (theirs,) = inventories(a_source(people.other_project), (a_vm("secret"),))
    inventories(a_source(people.project), (a_vm("a"),), (a_vm("b"),))
    assert "secret" not in text_of(page(people, old=theirs.pk, new=theirs.pk, source=theirs.source_id))
    assert signed_in(people.stranger).get(reverse("project-changes", args=[people.project.id])).status_code == 404


def test_hostile_names_and_values_act_on_nothing(people: People) -> None:
    inventories(a_source(people.project), (a_vm("a", annotation="x"),), (a_vm("a", annotation=HOSTILE), a_vm(HOSTILE)))
    shown = page(people)
    assert HOSTILE in shown.text_content()
    assert not shown.xpath("//tbody//script")


def test_a_large_difference_comes_in_pages_with_a_constant_number_of_queries(people: People) -> None:
    many = 230
    inventories(
        a_source(people.project),
        tuple(a_vm(f"m{number:04}", vcpus=1) for number in range(many)),
        tuple(a_vm(f"m{number:04}", vcpus=2) for number in range(many)),
    )
    shown = page(people, page=3)
    assert "230 objects, 201 to 230" in text_of(shown)
    assert len(rows(shown)) == 30
    old, new = Inventory.objects.order_by("collected_at")
    found = selectors.difference(old, new)
    assert found.counts() == {"vm": {"added": 0, "gone": 0, "changed": many, "volatile": 0}}
    with CaptureQueriesContext(connection) as few:
        found.opened(found.narrowed(change=Change.CHANGED)[:2])
    with CaptureQueriesContext(connection) as many_queries:
        found.opened(found.narrowed(change=Change.CHANGED)[:100])
    assert len(few) == len(many_queries) == 3


def test_a_source_that_was_collected_again_is_shown_first(people: People) -> None:
    inventories(a_source(people.project, name="a workbook"), [a_vm("w")])
    again = a_source(people.project, name="z vcenter")
    inventories(again, [a_vm("a")], [a_vm("b")])
    chosen = page(people).xpath("//select[@name='source']/option[@selected]/@value")
    assert chosen == [str(again.id)]
