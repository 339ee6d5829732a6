"""Sources and inventories over HTTP: roles, scope, problems with a next step, filters, constant query counts."""

from __future__ import annotations

from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from msgspec.structs import replace

from estate.facts.source import ContainerFacts, PowerState, SwitchFacts
from estate.facts.unknown import Unknown
from migration.inventory.models import Inventory, Source
from migration.inventory.services import collecting, sources
from project.backbone.accounts.policy import Role
from project.backbone.models import Job
from tests.builders.estate import a_disk, a_source_about, a_vm
from tests.builders.inventory import PIN, SYSTEM, a_source, an_inventory
from tests.builders.people import People, a_client, a_user

pytestmark = pytest.mark.django_db
NEW = {"kind": "vcenter", "name": "vc1", "url": "https://vc1.corp.example", "username": "reader", "password": "top secret"}
CERTIFICATE = {"subject": "CN=vc1", "sha256": PIN, "sha1": "AB", "address": "vc1:443", "not_after": "2030-01-01T00:00:00+00:00"}


def url(people: People, rest: str) -> str:
    return f"/api/v1/projects/{people.project.id}/{rest}"


def test_a_source_is_created_probed_confirmed_and_collected(people: People) -> None:
    owner = people.client("owner")
    created = owner.post(url(people, "sources"), NEW)
    assert created.status_code == 201, created.content
    assert "top secret" not in created.content.decode()
    sid = created.json()["id"]
    refused = owner.post(url(people, f"sources/{sid}/collect"))
    assert (refused.status_code, refused.json()["code"]) == (409, "pins_not_confirmed")
    probe = owner.post(url(people, f"sources/{sid}/probe"))
    assert (probe.status_code, probe.json()["kind"]) == (202, "inventory.probe")
    assert probe["Location"].endswith(f"/api/v1/jobs/{probe.json()['id']}")
    probed(Source.objects.get(pk=sid))
    assert owner.get(url(people, f"sources/{sid}")).json()["certificates"][0]["sha256"] == PIN
    confirmed = owner.post(url(people, f"sources/{sid}/confirm"), {"tls_thumbprints": [PIN.lower()]})
    assert confirmed.json()["tls_thumbprints"] == [PIN]
    first, second = (owner.post(url(people, f"sources/{sid}/collect")) for _ in range(2))
    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]


def probed(source: Source) -> None:
    sources.record_probe(
        source, about=a_source_about(), certificates=[CERTIFICATE], privileges_missing=[], hosts_unread=[], actor=SYSTEM
    )


@pytest.mark.parametrize("body", [{}, {"kind": "vcenter"}, {**NEW, "url": "vc1"}, {**NEW, "kind": "hyperv"}, {**NEW, "name": ""}])
def test_bad_sources_are_refused_with_the_field(people: People, body: dict[str, Any]) -> None:
    answer = people.client("owner").post(url(people, "sources"), body)
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_a_thumbprint_no_probe_saw_is_refused(people: People) -> None:
    source = a_source(people.project, confirmed=False)
    answer = people.client("owner").post(url(people, f"sources/{source.id}/confirm"), {"tls_thumbprints": [PIN]})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_planner_reads_but_does_not_collect(people: People) -> None:
    planner = a_client(a_user(Role.PLANNER, project=people.project))
    source = a_source(people.project)
    assert planner.get(url(people, "sources")).json()["count"] == 1
    refused = planner.post(url(people, f"sources/{source.id}/collect"))
    assert (refused.status_code, refused.json()["role_needed"]) == (403, "operator")
    assert not Job.objects.exists()


def test_another_projects_source_and_inventory_are_not_there(people: People) -> None:
    foreign = an_inventory(a_source(people.other_project), a_vm())
    owner = people.client("owner")
    assert owner.get(url(people, f"sources/{foreign.source_id}")).status_code == 404
    for rest in (f"inventories/{foreign.id}", f"inventories/{foreign.id}/vms", f"inventories/{foreign.id}/hosts"):
        assert owner.get(url(people, rest)).status_code == 404
    assert people.client("stranger").get(url(people, "sources")).status_code == 404


def test_a_new_address_drops_the_confirmed_certificates(people: People) -> None:
    source = a_source(people.project)
    answer = people.client("owner").patch(url(people, f"sources/{source.id}"), {"url": "https://vc2.corp.example"})
    assert answer.json()["tls_thumbprints"] == []


def test_vms_are_filtered_by_their_facts(people: People) -> None:
    vms = (
        a_vm("sql-01", power_state=PowerState.ON, firmware="bios"),
        a_vm("sql-02"),
        a_vm("web-01", power_state=PowerState.ON, host_id="host-2"),
    )
    inventory = an_inventory(a_source(people.project), *vms)
    owner = people.client("owner")

    def names(query: str) -> list[str]:
        answer = owner.get(url(people, f"inventories/{inventory.id}/vms?{query}"))
        assert answer.status_code == 200, answer.content
        return [row["name"] for row in answer.json()["results"]]

    assert names("") == ["sql-01", "sql-02", "web-01"]
    assert names("power_state=poweredOn") == ["sql-01", "web-01"]
    assert names("name__icontains=SQL&power_state=poweredOn") == ["sql-01"]
    assert names("firmware=bios") == ["sql-01"]
    assert names("host_id=host-2") == ["web-01"]
    assert names("q=web") == ["web-01"]


def test_entries_are_filtered_by_a_whole_tag_in_any_case(people: People) -> None:
    unread = Unknown("tags could not be read", everywhere=True)
    vms = (
        a_vm("a", tags=("Backup:Nightly", "Tier:Gold")),
        a_vm("b", tags=("Tier:Gold 2",)),
        a_vm("c", tags=()),
        a_vm("d", tags=unread),
        a_vm("e", tags=("Tier:100%_\"\\'",)),
    )
    inventory = an_inventory(a_source(people.project), *vms)

    def names(tag: str) -> list[str]:
        answer = people.client("owner").get(url(people, f"inventories/{inventory.id}/vms"), {"tag": tag})
        assert answer.status_code == 200, answer.content
        return [row["name"] for row in answer.json()["results"]]

    assert names("tier:gold") == names("Tier:Gold") == ["a"]
    assert names("Tier:Gold 2") == ["b"]
    assert names("Tier:100%_\"\\'") == ["e"]
    assert names("Gold") == names("%") == names("Tier:Silver") == []
    assert names("") == ["a", "b", "c", "d", "e"]
    assert people.client("owner").get(url(people, f"inventories/{inventory.id}/hosts"), {"tag": "x"}).json()["count"] == 0


def test_an_entry_shows_all_facts_with_unknown_as_unknown(people: People) -> None:
    vm = a_vm("a", disks=(a_disk(),))
    inventory = an_inventory(a_source(people.project), vm)
    (row,) = people.client("owner").get(url(people, f"inventories/{inventory.id}/vms")).json()["results"]
    assert row["facts"]["disks"][0]["capacity_bytes"] == 10 << 30
    assert row["facts"]["committed_bytes"] == 4 << 30
    assert row["facts"]["nics"][0]["ip_addresses"] == []
    for kind in ("hosts", "clusters", "datastores", "networks"):
        assert people.client("owner").get(url(people, f"inventories/{inventory.id}/{kind}")).json()["count"] == 1


def test_a_list_of_vms_never_needs_more_queries(people: People, django_assert_max_num_queries: Any) -> None:
    small = an_inventory(a_source(people.project), a_vm("a"))
    large = an_inventory(a_source(people.project), *(a_vm(f"m{number}") for number in range(60)))
    owner = people.client("owner")
    counts = []
    for inventory in (small, large):
        with django_assert_max_num_queries(8) as captured:
            owner.get(url(people, f"inventories/{inventory.id}/vms"))
        counts.append(len(captured))
    assert isinstance(captured, CaptureQueriesContext)
    assert counts[0] == counts[1]


def test_a_collecting_inventory_answers_409(people: People) -> None:
    inventory = collecting.begin(a_source(people.project), job_id=None, actor=SYSTEM)
    answer = people.client("owner").get(url(people, f"inventories/{inventory.id}/vms"))
    assert (answer.status_code, answer.json()["code"]) == (409, "inventory_not_complete")


def test_a_diff_names_what_came_went_and_changed(people: People) -> None:
    source = a_source(people.project)
    old = an_inventory(source, a_vm("a"), a_vm("b"))
    new = an_inventory(source, a_vm("b", vcpus=8), a_vm("c"))
    found = people.client("owner").get(url(people, f"inventories/{new.id}/diff?against={old.id}")).json()
    assert ([row["name"] for row in found["added"]], [row["name"] for row in found["gone"]]) == (["c"], ["a"])
    (changed,) = found["changed"]
    vcpus = {"kind": "vm", "change": "changed", "device": "", "path": "vcpus", "old": 2, "new": 8}
    assert (changed["name"], changed["changes"], changed["volatile"]) == ("b", [vcpus], [])
    assert found["counts"] == {"vm": {"added": 1, "gone": 1, "changed": 1, "volatile": 0}}
    assert (found["count"], found["next"], found["against"]) == (3, None, str(old.id))


def test_nothing_of_another_vcenter_counts_as_changed(people: People) -> None:
    source = a_source(people.project)
    old = an_inventory(source, a_vm("web", native_id="vm-1"))
    Inventory.objects.filter(pk=old.pk).update(about=old.about | {"instance_uuid": "the one before"})
    new = an_inventory(source, a_vm("db", native_id="vm-1"))
    found = people.client("owner").get(url(people, f"inventories/{new.id}/diff?against={old.id}")).json()
    vms = {side: [row["name"] for row in found[side] if row["kind"] == "vm"] for side in ("added", "gone")}
    assert vms == {"added": ["db"], "gone": ["web"]}
    assert found["changed"] == []


def test_a_diff_comes_in_pages_and_is_narrowed(people: People) -> None:
    source = a_source(people.project)
    old = an_inventory(source, *(a_vm(name, vcpus=1, committed_bytes=1) for name in "abc"))
    grown = replace(a_vm("b", vcpus=1), disks=(replace(a_vm("b").disks[0], capacity_bytes=1 << 40),))
    new = an_inventory(source, a_vm("a", vcpus=2, committed_bytes=1), grown, a_vm("c", vcpus=1, committed_bytes=2))
    owner, first = people.client("owner"), url(people, f"inventories/{new.id}/diff?against={old.id}&limit=1")
    pages = [owner.get(first).json()]
    pages.append(owner.get(pages[0]["next"]).json())
    assert [[row["name"] for row in page["changed"]] for page in pages] == [["a"], ["b"]]
    assert (pages[0]["count"], pages[1]["next"]) == (2, None)
    (disk,) = pages[1]["changed"][0]["changes"]
    assert (disk["kind"], disk["device"], disk["path"], disk["new"]) == (
        "disk",
        "Hard disk 1",
        "disks[2000].capacity_bytes",
        1 << 40,
    )
    only = owner.get(f"{first}&kind=disk").json()
    assert (only["count"], [row["name"] for row in only["changed"]]) == (1, ["b"])
    drifted = owner.get(f"{first}&change=volatile").json()
    assert ([row["name"] for row in drifted["volatile"]], drifted["changed"]) == (["c"], [])
    assert drifted["volatile"][0]["volatile"] == [{"path": "committed_bytes", "old": 1, "new": 2}]


@pytest.mark.parametrize("wrong", ["kind=nonsense", "change=x", "limit=0", "limit=1001", "cursor=-1", "cursor=x"])
def test_a_diff_narrowed_by_nonsense_is_refused(people: People, wrong: str) -> None:
    inventory = an_inventory(a_source(people.project), a_vm())
    answer = people.client("owner").get(url(people, f"inventories/{inventory.id}/diff?against={inventory.id}&{wrong}"))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == wrong.partition("=")[0]


@pytest.mark.parametrize(("against", "status"), [("", 400), ("x", 400), ("00000000-0000-4000-8000-000000000000", 404)])
def test_a_diff_against_nothing_is_refused(people: People, against: str, status: int) -> None:
    inventory = an_inventory(a_source(people.project), a_vm())
    assert people.client("owner").get(url(people, f"inventories/{inventory.id}/diff?against={against}")).status_code == status


def test_a_diff_across_sources_is_refused(people: People) -> None:
    old, new = (an_inventory(a_source(people.project), a_vm()) for _ in range(2))
    answer = people.client("owner").get(url(people, f"inventories/{new.id}/diff?against={old.id}"))
    assert (answer.status_code, answer.json()["code"]) == (409, "other_source")


def test_inventories_are_listed_with_state_and_counts(people: People) -> None:
    an_inventory(a_source(people.project), a_vm())
    (row,) = people.client("owner").get(url(people, "inventories?state=complete")).json()["results"]
    assert (row["state"], row["counts"]["vms"], row["counts"]["disks"]) == ("complete", 1, 1)
    assert Inventory.objects.count() == 1


def test_switches_and_what_contains_machines_are_lists_of_their_own(people: People) -> None:
    inventory = collecting.begin(a_source(people.project), job_id=None, actor=SYSTEM)
    landscape = (
        SwitchFacts("dvs-1", "dvs-a", mtu=9000),
        ContainerFacts("resgroup-1", "gold", "resource_pool", parent_id="resgroup-0", limited=True),
        ContainerFacts("group-p1", "pod", "storage_pod", parent_id="group-s1"),
    )
    collecting.add_page(inventory, landscape)
    collecting.complete(inventory, about=a_source_about(), vms={}, actor=SYSTEM)
    owner = people.client("owner")
    (switch,) = owner.get(url(people, f"inventories/{inventory.id}/switches")).json()["results"]
    assert (switch["name"], switch["facts"]["mtu"]) == ("dvs-a", 9000)
    (pool,) = owner.get(url(people, f"inventories/{inventory.id}/containers?kind=resource_pool")).json()["results"]
    assert (pool["name"], pool["facts"]["limited"]) == ("gold", True)
    (pod,) = owner.get(url(people, f"inventories/{inventory.id}/containers?parent_id=group-s1")).json()["results"]
    assert pod["name"] == "pod"
