"""Groups and gold images as a project sees them: after each assessment, in the API, on the page, and in a plan."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from estate.facts.source import ClusterRuleFacts
from estate.facts.unknown import UNKNOWN
from migration.assessment import selectors
from migration.assessment.core.group_drawing import DrawnTie, drawn
from migration.assessment.models import Assessment
from migration.inventory.models import Machine
from migration.inventory.services import collecting
from migration.inventory.services.recognising import seen_vm
from migration.planning.services.candidates import candidates
from project.backbone.clock import now
from project.backbone.models import Waiver
from tests.builders.estate import a_cluster, a_datastore, a_disk, a_host, a_network, a_nic, a_source_about, a_vm
from tests.builders.inventory import SYSTEM, a_source
from tests.builders.jobs import run_jobs
from tests.builders.people import People

pytestmark = pytest.mark.django_db
RULE = ClusterRuleFacts("keep db near", "affinity", True, vm_ids=("app", "db"))
SHARED = a_disk(0, file_name="[san] quorum/quorum.vmdk")


@pytest.fixture
def estate(people: People) -> People:
    """Two machines of a rule, one that shares a disk with the second, a clone, one of which nobody knows, a lone one."""
    vms = (
        a_vm("app", native_id="app", nics=(a_nic(0),)),
        a_vm("db", native_id="db", nics=(a_nic(1),), disks=(SHARED,)),
        a_vm("witness", native_id="witness", nics=(a_nic(2),), disks=(SHARED,)),
        a_vm("clone", native_id="clone", nics=(a_nic(3),), forked=True),
        a_vm("unread", native_id="unread", nics=(a_nic(4),), forked=UNKNOWN, vapp_id=UNKNOWN),
        a_vm("lone", native_id="lone", nics=(a_nic(5),)),
    )
    inventory = collecting.begin(a_source(people.project, name="vc"), job_id=None, actor=SYSTEM)
    cluster = a_cluster(rules=(RULE,), groups=())
    collecting.add_page(inventory, (a_host(), cluster, a_datastore(), a_network(), *vms))
    collecting.complete(inventory, about=a_source_about(), vms={vm.native_id: seen_vm(vm) for vm in vms}, actor=SYSTEM)
    run_jobs(kind="assessment.assess")
    return people


def get(people: People, rest: str) -> Any:
    return people.client("owner").get(f"/api/v1/projects/{people.project.id}/{rest}").json()


def machine(name: str) -> Machine:
    return Machine.objects.get(name=name)


def test_a_group_names_its_machines_and_every_tie(estate: People) -> None:
    told = get(estate, "groups")
    (group,) = told["results"]
    assert (told["count"], told["untied"]) == (1, 1)
    assert sorted(member["name"] for member in group["machines"]) == ["app", "db", "witness"]
    assert {(tie["kind"], tie["what"]) for tie in group["ties"]} >= {
        ("affinity", "keep db near"),
        ("shared_disk", "[san] quorum/quorum.vmdk"),
    }
    assert (group["source_name"], set(group["kinds"])) == ("vc", {"affinity", "shared_disk"})


def test_a_machine_tells_its_group_and_its_way(estate: People) -> None:
    (group,) = get(estate, "groups")["results"]
    assert get(estate, f"machines/{machine('db').id}")["group"] == group["id"]
    assert get(estate, f"machines/{machine('lone').id}")["group"] is None
    ways = {name: get(estate, f"machines/{machine(name).id}")["route"] for name in ("lone", "clone", "unread")}
    assert [ways[name]["runbook"] for name in ("lone", "clone", "unread")] == ["conversion", "gold_image", "unknown"]
    assert ways["clone"]["reasons"][0]["tool"] == "clone"
    assert ways["unread"]["reasons"][0]["path"] == "forked"


def test_a_machine_that_nobody_assessed_is_on_no_known_way(estate: People) -> None:
    Assessment.objects.all().delete()
    route = get(estate, f"machines/{machine('lone').id}")["route"]
    assert (route["runbook"], route["reasons"][0]["why"]) == ("unknown", "The machine was not assessed yet.")
    assert {each.name: each for each in candidates(estate.project)}["lone"].route_open


def test_a_plan_leaves_clones_out_and_notes_what_nobody_knows(estate: People) -> None:
    by_name = {each.name: each for each in candidates(estate.project)}
    assert "instant clone" in by_name["clone"].gold_image
    assert by_name["unread"].route_open and not by_name["unread"].gold_image
    assert set(by_name["app"].mates.values()) == {"app", "db", "witness"}
    assert by_name["app"].mates is by_name["db"].mates, "a group of thousands is kept once"
    assert not by_name["lone"].mates


@pytest.mark.parametrize("approved", [True, False])
def test_only_an_accepted_risk_sends_a_clone_the_conversions_way(approved: bool, estate: People) -> None:
    Waiver.objects.create(
        project=estate.project, check_id=selectors.CLONE_RISK, subject=str(machine("clone").id), reason="it is the image itself",
        expires_at=now() + timedelta(days=9), requested_by=estate.owner, approved_by=estate.teammate if approved else None,
        approved_at=now() - timedelta(hours=1) if approved else None,
    )  # fmt: skip
    by_name = {each.name: each for each in candidates(estate.project)}
    assert bool(by_name["clone"].gold_image) is not approved


def test_the_risk_can_be_asked_for_a_machine_of_the_project_only(estate: People) -> None:
    body = {"check_id": selectors.CLONE_RISK, "reason": "it is the image", "expires_at": (now() + timedelta(days=9)).isoformat()}
    path = f"/api/v1/projects/{estate.project.id}/waivers"
    asked = estate.client("owner").post(path, {**body, "subject": str(machine("clone").id)}, format="json")
    wrong = estate.client("owner").post(path, {**body, "subject": "00000000-0000-4000-8000-000000000000"}, format="json")
    assert (asked.status_code, wrong.status_code) == (201, 400), (asked.json(), wrong.json())


def test_a_new_assessment_takes_the_place_of_what_the_older_one_saw(estate: People) -> None:
    source = machine("db").source
    inventory = collecting.begin(source, job_id=None, actor=SYSTEM)
    vm = a_vm("db", native_id="db", nics=(a_nic(1),))
    collecting.add_page(inventory, (a_host(), a_cluster(), a_datastore(), a_network(), vm))
    collecting.complete(inventory, about=a_source_about(), vms={"db": seen_vm(vm)}, actor=SYSTEM)
    run_jobs(kind="assessment.assess")
    assert get(estate, "groups")["results"] == []
    assert selectors.routes(estate.project) == {}


def test_the_page_draws_the_group_and_lists_the_clones(estate: People, client: Any) -> None:
    client.force_login(estate.owner)
    shown = client.get(f"/projects/{estate.project.id}/groups").content.decode()
    assert "<svg" in shown and "shared disk: [san] quorum/quorum.vmdk" in shown and "keep db near" in shown
    assert "instant clone" in shown and "RISK-CLONE-CONVERTED" in shown
    client.force_login(estate.stranger)
    assert client.get(f"/projects/{estate.project.id}/groups").status_code == 404


def test_a_list_of_groups_asks_the_database_the_same_however_many_there_are(
    estate: People, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        get(estate, "groups")


@pytest.mark.parametrize("machines", [1, 2, 30])
@pytest.mark.parametrize("ties", [1, 30])
def test_a_drawing_is_well_formed_whatever_the_names_are(machines: int, ties: int) -> None:
    names = {number: f'<b>&"{number}\x07' + "x" * 80 for number in range(machines)}
    picture = drawn(names, [DrawnTie("shared_disk", "]]>" + "y" * 200, tuple(names)) for _ in range(ties)])
    lines = ElementTree.fromstring(picture).findall("{http://www.w3.org/2000/svg}line")
    assert len(lines) == machines * ties


def test_an_assessment_says_by_which_tables_and_profile(estate: People) -> None:
    (row,) = get(estate, "assessments")["results"]
    assert (row["limits_version"], row["guests_version"], row["policy_profile"]) == ("2026-11", "2026-11", "xenserver-8")
