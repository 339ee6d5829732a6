"""The inventory table: filters, pages, unknown facts shown as unknown, hostile names, and a constant number of queries."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import html
from pytest_django import DjangoAssertNumQueries

from estate.facts.unknown import Unknown
from migration.assessment import selectors
from migration.assessment.selectors import rules_known
from migration.inventory.models import Machine, Source
from tests.builders.estate import GIB, a_disk, a_nic, a_vm
from tests.builders.inventory import a_source, an_inventory
from tests.builders.jobs import run_jobs
from tests.builders.pages import HOSTILE, World, signed_in
from tests.builders.people import People

pytestmark = pytest.mark.django_db
EIGHT = ("DSK-001", "DSK-004", "DSK-008", "FTL-001", "NIC-001", "NIC-003", "SNP-001", "STA-004")


@pytest.fixture(autouse=True)
def eight_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page shows holds for any rules; these are known by heart."""
    eight = {rule_id: selectors.rules()[rule_id] for rule_id in EIGHT}
    monkeypatch.setattr(rules_known, "rules", lambda: eight)


NAME_CELLS = "//tbody/tr/th"
MARKS = ".//*[@class='mark unknown']"


def page(people: People, **query: Any) -> Any:
    answer = signed_in(people.owner).get(reverse("project-inventory", args=[people.project.id]), query)
    assert answer.status_code == 200, answer.content
    return html.fromstring(answer.content.decode())


def names(shown: Any) -> list[str]:
    return [cell.text.strip() for cell in shown.xpath(NAME_CELLS)]


def row(shown: Any, name: str) -> Any:
    return next(each for each in shown.xpath("//tbody/tr") if each.xpath("th")[0].text.strip() == name)


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def test_every_machine_has_a_row_with_its_facts_and_verdict(world: World) -> None:
    shown = page(world.people)
    assert names(shown) == ["app-01", "db-01", "file-01", "legacy-07", "ora-01", "web-01", "web-02"]
    told = words(row(shown, "db-01"))
    for part in ("vc01", "ready", "nothing", "off", "Windows Server 2019", "efi", "4 GiB", "210 GiB"):
        assert part in told


def test_a_finding_is_named_with_its_rule_and_its_remedy(world: World) -> None:
    told = words(row(page(world.people), "ora-01"))
    assert "blocked" in told and "DSK-004" in told and "Move its content" in told


def test_a_machine_that_nobody_could_read_is_unknown_in_every_fact(world: World) -> None:
    lost = row(page(world.people), "legacy-07")
    told = words(lost)
    assert "8 questions not answered" in told
    marks = [words(mark) for mark in lost.xpath(MARKS)]
    assert marks.count("unknown") >= 7, "verdict, power, guest, firmware, vCPUs, memory, disks, NICs"
    assert "the vCenter lost the connection to its host" in {mark.get("title") for mark in lost.xpath(MARKS)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "WEB"}, ["web-01", "web-02"]),
        ({"verdict": "blocked"}, ["ora-01"]),
        ({"verdict": "unknown"}, ["legacy-07"]),
        ({"power": "poweredOn"}, ["file-01"]),
        ({"power": "suspended"}, ["web-02"]),
        ({"power": "unknown"}, ["legacy-07"]),
        ({"name": "web", "verdict": "ready", "power": "poweredOff"}, ["web-01"]),
        ({"name": "web", "verdict": "blocked"}, []),
        ({"verdict": "nonsense", "power": "'; --", "name": "\x00app"}, ["app-01"]),
    ],
)
def test_the_table_is_narrowed_by_name_verdict_and_power(world: World, query: dict[str, str], found: list[str]) -> None:
    shown = page(world.people, **query)
    assert names(shown) == found
    assert words(shown.xpath("//*[@role='status']")[0]).startswith(f"{len(found)} of 7 machines")


def test_a_machine_that_left_its_source_stays_in_the_table_as_unknown(world: World) -> None:
    an_inventory(Source.objects.get(), a_vm("app-01"))
    run_jobs()
    shown = page(world.people, power="unknown")
    assert "not in the latest inventory of its source" in words(row(shown, "db-01"))
    assert "app-01" not in names(shown)


def test_the_table_is_narrowed_by_a_tag_and_says_whose_tags_nobody_knows(people: People) -> None:
    unread = Unknown("tags could not be read", everywhere=True)
    vms = (a_vm("gold", tags=("Backup:None", "Tier:Gold")), a_vm("plain", tags=()), a_vm("unread", tags=unread))
    an_inventory(a_source(people.project), *vms)
    run_jobs()
    whole = page(people)
    assert "Backup:None, Tier:Gold" in words(row(whole, "gold"))
    assert "unknown: whether" not in words(whole.xpath("//*[@role='status']")[0])
    shown = page(people, tag="tier:gold")
    assert names(shown) == ["gold"]
    said = words(shown.xpath("//*[@role='status']")[0])
    assert said == "1 of 3 machines. Tags of 1 machine are unknown: whether the filter fits them cannot be told"
    assert shown.xpath("//input[@id='f-tag']/@value") == ["tier:gold"]


def test_hostile_names_are_shown_as_text(people: People) -> None:
    an_inventory(a_source(people.project, name=HOSTILE), a_vm(HOSTILE, guest_full_name=HOSTILE, tags=(HOSTILE,)))
    run_jobs()
    answer = signed_in(people.owner).get(reverse("project-inventory", args=[people.project.id]), {"name": HOSTILE})
    assert HOSTILE not in answer.content.decode()
    assert names(html.fromstring(answer.content.decode())) == [HOSTILE]


def test_a_long_table_comes_in_pages_that_keep_the_filter(people: People) -> None:
    vms = [a_vm(f"vm-{n:03}", nics=()) for n in range(230)]
    an_inventory(a_source(people.project), *vms, a_vm("other", nics=()))
    second = page(people, name="vm-", page="2")
    assert names(second) == [f"vm-{n:03}" for n in range(100, 200)]
    links = {words(link): link.get("href") for link in second.xpath("//nav[@class='pager']/a")}
    assert parse_qs(urlsplit(links["next"]).query) == {"name": ["vm-"], "page": ["3"]}
    assert names(page(people, name="vm-", page="99")) == [f"vm-{n:03}" for n in range(200, 230)]
    assert names(page(people, page="two"))[0] == "other", "a page that is no number is the first"


def test_the_table_asks_the_database_the_same_however_long_it_is(
    people: People, django_assert_num_queries: DjangoAssertNumQueries, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    source = a_source(people.project)
    an_inventory(source, a_vm("app"))
    run_jobs()
    client, address = signed_in(people.owner), reverse("project-inventory", args=[people.project.id])
    with django_assert_max_num_queries(34) as first:
        client.get(address)
    assert isinstance(first, CaptureQueriesContext)
    an_inventory(
        source, *(a_vm(f"vm-{n}", nics=(a_nic(n),), disks=(a_disk(0), a_disk(1, capacity_bytes=GIB))) for n in range(60))
    )
    an_inventory(a_source(people.project), *(a_vm(f"branch-{n}", nics=(a_nic(n),)) for n in range(5)))
    run_jobs()
    assert Machine.objects.count() == 66
    with django_assert_num_queries(len(first.captured_queries)):
        client.get(address)
